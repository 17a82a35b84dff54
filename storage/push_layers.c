/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The blobs of one push: a small state machine per layer, driven by one loop that also drives
 * libcurl.
 *
 *   QUEUED -> (forms that are known, one after the other) -> PRESENT
 *          -> PACKING (a thread makes the bytes) -> RUNNING <-> RETRYING -> DONE | PRESENT
 */
#include <string.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/log.h"
#include "storage/digest.h"
#include "storage/push_blob.h"
#include "storage/push_known.h"
#include "storage/push_priv.h"
#include "storage/upload.h"

#define PARALLEL_MAX 6
#define FORMS_MAX    4
#define TICK_MS      100

/* A compressed form of the layer that may be there, or near. */
typedef struct {
	char *digest;
	int64_t size;
	char *media_type;
	char *from; /* repository to mount it from, or NULL */
} Form;

typedef struct {
	const Layer *layer; /* borrowed */
	GPtrArray *forms;   /* of Form */
	size_t form;        /* the one that is looked for */
	Upload *upload;     /* at work; NULL: not begun, or settled */
	PushBlob *bytes;
	PushedBlob found; /* once settled */
	bool is_settled;
	PullLayerState state;
} Job;

typedef struct {
	Push *push;
	GPtrArray *jobs; /* one for each diff id */
	size_t *job_of;  /* for each layer */
	size_t packing;
	size_t packing_max;
	gint64 last_view;
	bool changed;
} Run;

static void form_free(void *data)
{
	Form *form = data;
	g_free(form->digest);
	g_free(form->media_type);
	g_free(form->from);
	g_free(form);
}

static void job_free(void *data)
{
	Job *job = data;
	upload_free(job->upload);
	push_blob_free(job->bytes);
	g_ptr_array_unref(job->forms);
	g_free(job->found.digest);
	g_free(job->found.media_type);
	g_free(job);
}

static void set_state(Run *run, Job *job, PullLayerState state)
{
	run->changed = run->changed || job->state != state;
	job->state = state;
}

/* Add a form unless its digest is there; then it may at least learn where to mount it from. */
static void add_form(const Push *push, Job *job, const PushKnown *known, const char *from)
{
	if (!known->media_type || !push_media_type_fits(push, known->media_type))
		return;
	for (size_t i = 0; i < job->forms->len; i++) {
		Form *form = g_ptr_array_index(job->forms, i);
		if (strcmp(form->digest, known->digest) != 0)
			continue;
		if (!form->from)
			form->from = g_strdup(from);
		return;
	}
	if (job->forms->len >= FORMS_MAX)
		return;
	Form *form = g_new0(Form, 1);
	form->digest = g_strdup(known->digest);
	form->size = known->size;
	form->media_type = g_strdup(known->media_type);
	form->from = g_strdup(from);
	g_ptr_array_add(job->forms, form);
}

/* The repository of "registry/repository" if it is another one on our registry; borrowed. */
static const char *mountable(const Push *push, const char *place)
{
	size_t length = strlen(push->destination->registry);
	if (strncmp(place, push->destination->registry, length) != 0 || place[length] != '/' ||
	    strcmp(place + length + 1, push->destination->repository) == 0)
		return NULL;
	return place + length + 1;
}

/* The form it was pulled in, and those that were pushed before. */
static void find_forms(const Push *push, Job *job, const GPtrArray *places)
{
	const Layer *layer = job->layer;
	if (layer->blob_digest && digest_is_valid(layer->blob_digest)) {
		const PushKnown pulled = {
			.digest = layer->blob_digest,
			.size = (int64_t)layer->blob_size,
			.media_type = layer->media_type,
		};
		add_form(push, job, &pulled, places->len > 0 ? g_ptr_array_index(places, 0) : NULL);
	}
	g_autoptr(GPtrArray) pushed = push_known_load(push->store, layer->diff_id);
	for (size_t i = 0; i < pushed->len; i++) {
		const PushKnown *known = g_ptr_array_index(pushed, i);
		add_form(push, job, known, mountable(push, known->place));
	}
}

/* Show the front end where we are: at once after a change, else ten times a second. */
static void show(Run *run)
{
	const PullUi *ui = &run->push->options->ui;
	gint64 now = g_get_monotonic_time();
	if (!ui->layers || (!run->changed && now - run->last_view < TICK_MS * 1000))
		return;
	g_autofree PullLayerView *views = g_new0(PullLayerView, run->jobs->len);
	for (size_t i = 0; i < run->jobs->len; i++) {
		const Job *job = g_ptr_array_index(run->jobs, i);
		views[i] = (PullLayerView){
			.digest = job->layer->diff_id,
			.size = job->bytes && job->state == PULL_LAYER_RUNNING
					? push_blob_size(job->bytes)
					: job->found.size,
			.received = job->upload ? upload_sent(job->upload) : job->found.size,
			.state = job->state,
		};
	}
	ui->layers(views, run->jobs->len, ui->data);
	run->changed = false;
	run->last_view = now;
}

static void wake_loop(void *data)
{
	http_client_wake(data);
}

/* The layer is there, in this form: remember that. */
static void settle(Run *run, Job *job, const char *digest, int64_t size, const char *media_type,
		   PullLayerState state)
{
	const Push *push = run->push;
	g_autofree char *place =
		g_strconcat(push->destination->registry, "/", push->destination->repository, NULL);
	job->found.digest = g_strdup(digest);
	job->found.size = size;
	job->found.media_type = g_strdup(push_media_type(push, media_type));
	const PushKnown known = {
		.digest = job->found.digest,
		.size = size,
		.media_type = job->found.media_type,
		.place = place,
	};
	push_known_add(push->store, job->layer->diff_id, &known);
	g_clear_pointer(&job->upload, upload_free);
	g_clear_pointer(&job->bytes, push_blob_free);
	job->is_settled = true;
	set_state(run, job, state);
}

/* Look for the next form, or have the bytes made if there is no more. */
static bool look_on(Run *run, Job *job, GError **error)
{
	if (job->form < job->forms->len) {
		const Form *form = g_ptr_array_index(job->forms, job->form);
		const UploadBlob blob = {
			.digest = form->digest, .size = form->size, .fd = -1, .from = form->from};
		return upload_begin(job->upload, &blob, error);
	}
	if (run->packing >= run->packing_max)
		return true;
	const PushBlobOptions options = {
		.layer = job->layer,
		.compress = run->push->options->compress,
		.take_kept = job->layer->media_type &&
			     push_media_type_fits(run->push, job->layer->media_type),
		.wake = wake_loop,
		.wake_data = registry_session_http(run->push->session),
	};
	job->bytes = push_blob_new(run->push->store, run->push->stage, &options);
	run->packing++;
	set_state(run, job, PULL_LAYER_PACKING);
	return true;
}

/* The bytes are made: send them. */
static bool end_packing(Run *run, Job *job, GError **error)
{
	run->packing--;
	if (!push_blob_check(job->bytes, error))
		return false;
	const UploadBlob blob = {
		.digest = push_blob_digest(job->bytes),
		.size = push_blob_size(job->bytes),
		.fd = push_blob_fd(job->bytes),
	};
	set_state(run, job, PULL_LAYER_RUNNING);
	return upload_begin(job->upload, &blob, error);
}

/* An upload has ended well: what of? */
static void end_upload(Run *run, Job *job, UploadResult result)
{
	PullLayerState state = result == UPLOAD_SENT ? PULL_LAYER_DONE : PULL_LAYER_PRESENT;
	if (job->bytes) {
		int64_t size = push_blob_size(job->bytes);
		const char *like = push_blob_is_kept(job->bytes) ? job->layer->media_type : NULL;
		run->push->result->sent += result == UPLOAD_SENT ? size : 0;
		settle(run, job, push_blob_digest(job->bytes), size, like, state);
		return;
	}
	const Form *form = g_ptr_array_index(job->forms, job->form);
	settle(run, job, form->digest, form->size, form->media_type, state);
}

/* Go on with a layer's upload; if the blob is gone meanwhile, try its next form. */
static bool step_upload(Run *run, Job *job, GError **error)
{
	UploadResult result = upload_step(job->upload, error);
	switch (result) {
	case UPLOAD_WORKING:
		if (job->bytes)
			set_state(run, job,
				  upload_is_waiting(job->upload) ? PULL_LAYER_RETRYING
								 : PULL_LAYER_RUNNING);
		return true;
	case UPLOAD_PRESENT:
	case UPLOAD_MOUNTED:
	case UPLOAD_SENT:
		end_upload(run, job, result);
		return true;
	case UPLOAD_ABSENT:
		job->form++;
		return look_on(run, job, error);
	case UPLOAD_FAILED:
		break;
	}
	return false;
}

/* Move one job on as far as it goes without waiting. */
static bool step(Run *run, Job *job, size_t *active, GError **error)
{
	if (job->is_settled)
		return true;
	if (!job->upload) {
		if (*active >= PARALLEL_MAX)
			return true;
		(*active)++;
		job->upload = upload_new(run->push->registry);
		return look_on(run, job, error);
	}
	if (job->state == PULL_LAYER_PACKING)
		return !push_blob_ended(job->bytes) || end_packing(run, job, error);
	/* All forms were looked for, and there was no room to make another. */
	if (!job->bytes && job->form >= job->forms->len)
		return look_on(run, job, error);
	return step_upload(run, job, error);
}

static size_t count_active(const Run *run)
{
	size_t active = 0;
	for (size_t i = 0; i < run->jobs->len; i++)
		active += ((Job *)g_ptr_array_index(run->jobs, i))->upload != NULL;
	return active;
}

static bool all_settled(const Run *run)
{
	for (size_t i = 0; i < run->jobs->len; i++)
		if (!((Job *)g_ptr_array_index(run->jobs, i))->is_settled)
			return false;
	return true;
}

/* All layers side by side, until each is there or one has failed. */
static bool run_jobs(Run *run, GError **error)
{
	run->changed = true;
	for (;;) {
		size_t active = count_active(run);
		for (size_t i = 0; i < run->jobs->len; i++) {
			Job *job = g_ptr_array_index(run->jobs, i);
			if (step(run, job, &active, error))
				continue;
			g_prefix_error(error, "layer %.19s: ", job->layer->diff_id);
			return false;
		}
		show(run);
		if (all_settled(run))
			return true;
		if (!http_client_run(registry_session_http(run->push->session), TICK_MS / 2, error))
			return false;
	}
}

/* Jobs for the layers; layers of the same contents share one. */
static void make_jobs(Run *run)
{
	const Push *push = run->push;
	g_autoptr(GHashTable) by_diff_id = g_hash_table_new(g_str_hash, g_str_equal);
	for (size_t i = 0; i < push->layers->len; i++) {
		const Layer *layer = g_ptr_array_index(push->layers, i);
		void *number = NULL;
		if (!g_hash_table_lookup_extended(by_diff_id, layer->diff_id, NULL, &number)) {
			Job *job = g_new0(Job, 1);
			job->layer = layer;
			job->forms = g_ptr_array_new_with_free_func(form_free);
			number = GSIZE_TO_POINTER(run->jobs->len);
			g_hash_table_insert(by_diff_id, layer->diff_id, number);
			g_ptr_array_add(run->jobs, job);
		}
		run->job_of[i] = GPOINTER_TO_SIZE(number);
		find_forms(push, g_ptr_array_index(run->jobs, run->job_of[i]),
			   g_ptr_array_index(push->places, i));
	}
}

/* What each layer is in the registry now. */
static void take_results(const Run *run)
{
	Push *push = run->push;
	push->result->n_layers = push->layers->len;
	for (size_t i = 0; i < push->layers->len; i++) {
		const Job *job = g_ptr_array_index(run->jobs, run->job_of[i]);
		PushedBlob *blob = g_new0(PushedBlob, 1);
		*blob = (PushedBlob){
			.media_type = g_strdup(job->found.media_type),
			.digest = g_strdup(job->found.digest),
			.size = job->found.size,
		};
		g_ptr_array_add(push->blobs, blob);
		push->result->n_present += job->state == PULL_LAYER_PRESENT;
	}
}

bool push_layers(Push *push, GError **error)
{
	g_autoptr(GPtrArray) jobs = g_ptr_array_new_with_free_func(job_free);
	g_autofree size_t *job_of = g_new0(size_t, push->layers->len + 1);
	Run run = {
		.push = push,
		.jobs = jobs,
		.job_of = job_of,
		.packing_max = MAX(g_get_num_processors(), 2),
	};
	push_known_sweep(push->store);
	make_jobs(&run);
	if (!run_jobs(&run, error))
		return false;
	take_results(&run);
	return true;
}

bool push_config(Push *push, GError **error)
{
	const Image *image = push->image;
	g_autofree char *digest = g_strconcat("sha256:", image->id, NULL);
	const UploadBlob blob = {
		.digest = digest,
		.size = (int64_t)image->config_size,
		.data = image->config_text,
		.fd = -1,
	};
	g_autoptr(Upload) upload = upload_new(push->registry);
	UploadResult result = upload_begin(upload, &blob, error) ? UPLOAD_WORKING : UPLOAD_FAILED;
	while (result == UPLOAD_WORKING) {
		if (!http_client_run(registry_session_http(push->session), TICK_MS, error))
			return false;
		result = upload_step(upload, error);
	}
	if (result == UPLOAD_FAILED)
		g_prefix_error(error, "config %.19s: ", digest);
	return result != UPLOAD_FAILED;
}
