/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The layers of one pull: a small state machine per layer, driven by one loop that also drives
 * libcurl.
 *
 *   NEW -> (claim, slot) -> PRESENT | WAITING -> NEW | READY -> RUNNING -> STAGED -> DONE
 *                                                         RUNNING -> RETRYING -> RUNNING
 *
 * The loop never blocks on one layer: a slot that is busy is tried again, a full pump pauses its
 * transfer, a failed transfer waits for its time. Publishing, which syncs the file system, is done
 * by a thread for all layers that are ready, one batch after the other.
 */
#include "storage/pull_priv.h"

#include <string.h>

#include "libpod/base/error.h"
#include "libpod/base/log.h"
#include "libpod/base/wall.h"
#include "storage/blob_pump.h"
#include "storage/blob_slot.h"
#include "storage/digest.h"
#include "storage/http_header.h"
#include "storage/layer_publisher.h"

#define PARALLEL_MAX     6
#define TICK_MS          100
#define SLOT_INTERVAL_US 50000
#define PUBLISH_EVERY_US G_USEC_PER_SEC
#define PROGRESS_MIN     (1 << 20) /* bytes that make an attempt a success of sorts */

typedef struct {
	const Descriptor *blob; /* borrowed */
	const char *diff_id;    /* borrowed */
	char *chain_id;
	const char *parent; /* borrowed from the layer below; NULL */

	PullLayerState state;
	BlobSlot *slot;
	BlobPump *pump;
	HttpTransfer *transfer;
	unsigned generation;
	RegistryAttempts attempts;
	gint64 next_try;   /* monotonic: slot (WAITING) or transfer (RETRYING) */
	int64_t offset;    /* bytes given to the pump, from slot and network */
	int64_t received;  /* of them, from the network */
	int64_t progress;  /* of them, since the last counted failure */
	int64_t skip;      /* bytes of a 200 answer that we have already */
	int pieces;        /* downloads and resumes that its bytes come from */
	bool is_paused;    /* the pump was full */
	bool has_answer;   /* this transfer's headers have been looked at */
	bool bad_answer;   /* they do not fit what was asked for */
	bool too_long;     /* it sends more than the manifest says */
	bool started_over; /* it was corrupt once */

	LayerIngest *ingest; /* STAGED */
	Layer *layer;
} Job;

typedef struct {
	const PullLayers *pull;
	GPtrArray *jobs;           /* bottom first */
	LayerPublisher *publisher; /* at work on the next two, or NULL */
	size_t first_publishing;
	size_t n_publishing;
	gint64 last_publish;
	gint64 last_view;
	bool changed;
} Run;

static void job_free(void *data)
{
	Job *job = data;
	http_transfer_free(job->transfer);
	blob_pump_free(job->pump);
	blob_slot_free(job->slot);
	layer_ingest_free(job->ingest);
	layer_free(job->layer);
	g_free(job->chain_id);
	g_free(job);
}

static void set_state(Run *run, Job *job, PullLayerState state)
{
	run->changed = run->changed || job->state != state;
	job->state = state;
}

static bool is_settled(const Job *job)
{
	return job->state == PULL_LAYER_PRESENT || job->state == PULL_LAYER_DONE;
}

/* Show the front end where we are: at once after a change, else ten times a second. */
static void show(Run *run)
{
	const PullUi *ui = &run->pull->options->ui;
	gint64 now = g_get_monotonic_time();
	if (!ui->layers || (!run->changed && now - run->last_view < TICK_MS * 1000))
		return;
	g_autofree PullLayerView *views = g_new0(PullLayerView, run->jobs->len);
	for (size_t i = 0; i < run->jobs->len; i++) {
		const Job *job = g_ptr_array_index(run->jobs, i);
		views[i] = (PullLayerView){
			.digest = job->blob->digest,
			.size = job->blob->size,
			.received = job->offset,
			.state = job->state,
		};
	}
	ui->layers(views, run->jobs->len, ui->data);
	run->changed = false;
	run->last_view = now;
}

/* Wakes the loop from a pump's thread. */
static void wake_loop(void *data)
{
	http_client_wake(data);
}

/* Is the layer there by now? Then the job is over. */
static bool claim(Run *run, Job *job, GError **error)
{
	g_autoptr(GError) problem = NULL;
	g_autoptr(Layer) layer =
		layer_claim(run->pull->store, run->pull->stage, job->chain_id, &problem);
	if (problem) {
		g_propagate_error(error, g_steal_pointer(&problem));
		return false;
	}
	if (layer)
		set_state(run, job, PULL_LAYER_PRESENT);
	return true;
}

/* Take the slot; who has it looks once more whether its last holder has published. */
static bool try_slot(Run *run, Job *job, GError **error)
{
	switch (blob_slot_try(run->pull->store, job->blob->digest, job->chain_id, &job->slot,
			      error)) {
	case BLOB_SLOT_ERROR:
		return false;
	case BLOB_SLOT_BUSY:
		job->next_try = g_get_monotonic_time() + SLOT_INTERVAL_US;
		set_state(run, job, PULL_LAYER_WAITING);
		return true;
	case BLOB_SLOT_OURS:
		break;
	}
	set_state(run, job, PULL_LAYER_QUEUED);
	if (!claim(run, job, error))
		return false;
	if (job->state == PULL_LAYER_PRESENT)
		g_clear_pointer(&job->slot, blob_slot_discard);
	return true;
}

/* Look at a blob's answer before its first byte: where in the blob does it begin? */
static bool accept_answer(Job *job, const HttpResponse *head)
{
	job->has_answer = true;
	job->skip = 0;
	if (head->status == 200) {
		job->skip = job->offset;
		return true;
	}
	int64_t first, last, total;
	const char *range = http_response_header(head, "content-range");
	return range && http_content_range_parse(range, &first, &last, &total) &&
	       first == job->offset && (total < 0 || total == job->blob->size);
}

/* HttpSink: hand bytes to the pump, leaving out what it has. */
static HttpSinkResult take_bytes(const HttpResponse *head, const void *data, size_t size,
				 void *user)
{
	Job *job = user;
	const char *bytes = data;
	if (!job->has_answer && !accept_answer(job, head)) {
		job->bad_answer = true;
		return HTTP_SINK_STOP;
	}
	if (!blob_pump_has_room(job->pump)) {
		/* Ask it to wake us; nothing is taken. */
		if (blob_pump_offer(job->pump, data, 0) == BLOB_PUMP_FULL) {
			job->is_paused = true;
			return HTTP_SINK_FULL;
		}
	}
	size_t known = (size_t)MIN((int64_t)size, job->skip);
	job->skip -= (int64_t)known;
	bytes += known;
	size -= known;
	if (job->offset + (int64_t)size > job->blob->size) {
		job->too_long = true;
		return HTTP_SINK_STOP;
	}
	if (size > 0 && blob_pump_offer(job->pump, bytes, size) == BLOB_PUMP_ENDED)
		return HTTP_SINK_STOP;
	job->offset += (int64_t)size;
	job->progress += (int64_t)size;
	job->received += (int64_t)size;
	return HTTP_SINK_TOOK;
}

/* Start a download at the present offset, or close the pump when all is there. */
static bool start_transfer(Run *run, Job *job, GError **error)
{
	set_state(run, job, PULL_LAYER_RUNNING);
	job->has_answer = job->bad_answer = job->is_paused = false;
	if (job->offset >= job->blob->size) {
		blob_pump_close(job->pump);
		return true;
	}
	int64_t from = job->attempts.no_range ? 0 : job->offset;
	job->pieces++;
	job->transfer = registry_start_blob(run->pull->registry, job->blob->digest, from,
					    take_bytes, job, &job->generation, error);
	return job->transfer != NULL;
}

/* Start unpacking and downloading a layer whose slot is ours. */
static bool start_job(Run *run, Job *job, GError **error)
{
	if (blob_slot_size(job->slot) > job->blob->size)
		blob_slot_reset(job->slot);
	job->offset = blob_slot_size(job->slot);
	job->pieces = job->offset > 0;
	if (job->offset > 0)
		log_info("resuming %s at byte %" G_GINT64_FORMAT, job->blob->digest, job->offset);
	BlobPumpOptions options = {
		.ingest =
			{
				.media_type = job->blob->media_type,
				.expected_digest = job->blob->digest,
				.expected_size = job->blob->size,
				.expected_diff_id = job->diff_id,
				.parent_chain_id = job->parent,
				.keep_blob = run->pull->keep_blobs,
			},
		.slot = job->slot,
		.wake = wake_loop,
		.wake_data = registry_session_http(run->pull->session),
	};
	job->pump = blob_pump_new(run->pull->store, run->pull->stage, &options);
	return start_transfer(run, job, error);
}

/* Name the layer in front of whatever went wrong with it. */
static bool fail_job(const Job *job, GError **error)
{
	g_prefix_error(error, "layer %.19s: ", job->blob->digest);
	return false;
}

/* Try again later if attempts are left. @why is for the message at the end. */
static bool retry_later(Run *run, Job *job, const char *why, GError **error)
{
	int64_t delay = 0;
	if (!registry_backoff(run->pull->registry, &job->attempts, -1, false, &delay))
		return error_set(error, ENGINE_ERROR_CORRUPT, "%s", why);
	job->next_try = g_get_monotonic_time() + delay * 1000;
	set_state(run, job, PULL_LAYER_RETRYING);
	return true;
}

/* A whole answer came. Was it the whole blob? */
static bool end_complete(Run *run, Job *job, GError **error)
{
	if (job->offset == job->blob->size) {
		blob_pump_close(job->pump);
		return true;
	}
	g_autofree char *why = g_strdup_printf("the registry's answer ends after %" G_GINT64_FORMAT
					       " of %" G_GINT64_FORMAT " bytes",
					       job->offset, job->blob->size);
	return retry_later(run, job, why, error);
}

/* The answer did not begin where it should: ask for the whole once, then give up. */
static bool end_bad_range(Run *run, Job *job, GError **error)
{
	if (job->attempts.no_range)
		return error_set(error, ENGINE_ERROR_CORRUPT,
				 "the registry answers with another part of the blob");
	job->attempts.no_range = true;
	return start_transfer(run, job, error);
}

/* A transfer has ended: is it done, to be resumed, or hopeless? */
static bool end_transfer(Run *run, Job *job, GError **error)
{
	g_autoptr(HttpTransfer) transfer = g_steal_pointer(&job->transfer);
	int64_t delay = 0;
	if (job->progress >= PROGRESS_MIN) {
		job->attempts = (RegistryAttempts){.no_range = job->attempts.no_range};
		job->progress = 0;
	}
	if (job->too_long && wall_stands("blob-size"))
		return error_set(error, ENGINE_ERROR_CORRUPT,
				 "the registry sends more than the %" G_GINT64_FORMAT
				 " bytes announced",
				 job->blob->size);
	if (job->bad_answer)
		return end_bad_range(run, job, error);
	switch (registry_end_blob(run->pull->registry, transfer, job->generation, &job->attempts,
				  &delay, error)) {
	case REGISTRY_BLOB_COMPLETE:
		return end_complete(run, job, error);
	case REGISTRY_BLOB_AGAIN:
		job->next_try = g_get_monotonic_time() + delay * 1000;
		set_state(run, job, PULL_LAYER_RETRYING);
		return true;
	case REGISTRY_BLOB_FAILED:
		break;
	}
	return false;
}

/* Forget all bytes and begin again: one of the pieces they were put together from was bad. */
static bool start_over(Run *run, Job *job, GError **error)
{
	log_info("%s is damaged, fetching it as a whole", job->blob->digest);
	job->started_over = true;
	job->attempts = (RegistryAttempts){0};
	blob_slot_reset(job->slot);
	return start_job(run, job, error);
}

/* The pump has ended: a staged layer, a second try from the start, or an error. */
static bool end_pump(Run *run, Job *job, GError **error)
{
	g_autoptr(GError) problem = NULL;
	job->layer = blob_pump_result(job->pump, &job->ingest, &problem);
	g_clear_pointer(&job->transfer, http_transfer_free);
	g_clear_pointer(&job->pump, blob_pump_free);
	if (job->layer) {
		set_state(run, job, PULL_LAYER_STAGED);
		return true;
	}
	bool corrupt = error_matches(problem, ENGINE_ERROR_CORRUPT);
	if (corrupt && job->pieces > 1 && !job->started_over)
		return start_over(run, job, error);
	/* What is in the slot is no good to anybody. */
	if (corrupt || error_matches(problem, ENGINE_ERROR_INVALID))
		blob_slot_reset(job->slot);
	g_propagate_error(error, g_steal_pointer(&problem));
	return false;
}

/* Move a job that has a pump. */
static bool step_active(Run *run, Job *job, gint64 now, GError **error)
{
	if (blob_pump_ended(job->pump))
		return end_pump(run, job, error);
	if (job->transfer && http_transfer_done(job->transfer))
		return end_transfer(run, job, error);
	if (job->transfer && job->is_paused && blob_pump_has_room(job->pump)) {
		job->is_paused = false;
		http_transfer_resume(job->transfer);
	}
	if (job->state == PULL_LAYER_RETRYING && now >= job->next_try)
		return start_transfer(run, job, error);
	return true;
}

static size_t count_active(const Run *run)
{
	size_t active = 0;
	for (size_t i = 0; i < run->jobs->len; i++)
		active += ((Job *)g_ptr_array_index(run->jobs, i))->pump != NULL;
	return active;
}

/* Move one job on as far as it goes without waiting. */
static bool step(Run *run, Job *job, GError **error)
{
	gint64 now = g_get_monotonic_time();
	if (job->pump)
		return step_active(run, job, now, error) || fail_job(job, error);
	bool wants = job->state == PULL_LAYER_QUEUED ||
		     (job->state == PULL_LAYER_WAITING && now >= job->next_try);
	if (!wants || count_active(run) >= PARALLEL_MAX)
		return true;
	if (!try_slot(run, job, error))
		return false;
	if (job->state != PULL_LAYER_QUEUED)
		return true;
	return start_job(run, job, error) || fail_job(job, error);
}

/* Staged layers with all below them published: [*out_first, *out_first + result). */
static size_t find_publishable(const Run *run, size_t *out_first)
{
	size_t first = 0;
	while (first < run->jobs->len && is_settled(g_ptr_array_index(run->jobs, first)))
		first++;
	size_t end = first;
	for (; end < run->jobs->len; end++) {
		const Job *job = g_ptr_array_index(run->jobs, end);
		if (job->state != PULL_LAYER_STAGED)
			break;
		/* It looks into its parent, which must be there before. */
		if (end > first && layer_ingest_needs_parent(job->ingest))
			break;
	}
	*out_first = first;
	return end - first;
}

/* Hand all that can be published to a publisher. */
static void start_publisher(Run *run)
{
	size_t first, n = find_publishable(run, &first);
	if (n == 0)
		return;
	g_autofree StagedLayer *staged = g_new0(StagedLayer, n);
	for (size_t i = 0; i < n; i++) {
		const Job *job = g_ptr_array_index(run->jobs, first + i);
		staged[i] = (StagedLayer){job->ingest, job->layer, job->slot};
	}
	run->first_publishing = first;
	run->n_publishing = n;
	run->publisher = layer_publisher_new(run->pull->store, run->pull->stage, staged, n,
					     wake_loop, registry_session_http(run->pull->session));
}

/* The batch is visible, or why it is not. */
static bool end_publisher(Run *run, GError **error)
{
	g_autoptr(LayerPublisher) publisher = g_steal_pointer(&run->publisher);
	if (!layer_publisher_result(publisher, error))
		return fail_job(g_ptr_array_index(run->jobs, run->first_publishing), error);
	for (size_t i = 0; i < run->n_publishing; i++) {
		Job *job = g_ptr_array_index(run->jobs, run->first_publishing + i);
		g_clear_pointer(&job->ingest, layer_ingest_free);
		g_clear_pointer(&job->slot, blob_slot_discard);
		set_state(run, job, PULL_LAYER_DONE);
	}
	run->last_publish = g_get_monotonic_time();
	return true;
}

/* Publish when it is worth a sync: all is staged, or others may have waited for long. */
static bool publish(Run *run, GError **error)
{
	if (run->publisher && !layer_publisher_ended(run->publisher))
		return true;
	if (run->publisher && !end_publisher(run, error))
		return false;
	bool all_staged = true;
	for (size_t i = 0; i < run->jobs->len; i++) {
		const Job *job = g_ptr_array_index(run->jobs, i);
		all_staged = all_staged && (is_settled(job) || job->state == PULL_LAYER_STAGED);
	}
	if (all_staged || g_get_monotonic_time() - run->last_publish >= PUBLISH_EVERY_US)
		start_publisher(run);
	return true;
}

static bool all_settled(const Run *run)
{
	for (size_t i = 0; i < run->jobs->len; i++)
		if (!is_settled(g_ptr_array_index(run->jobs, i)))
			return false;
	return true;
}

/* The loop: every job, the publisher, the front end, then libcurl until something happens. */
static bool run_jobs(Run *run, GError **error)
{
	for (size_t i = 0; i < run->jobs->len; i++)
		if (!claim(run, g_ptr_array_index(run->jobs, i), error))
			return false;
	for (;;) {
		for (size_t i = 0; i < run->jobs->len; i++)
			if (!step(run, g_ptr_array_index(run->jobs, i), error))
				return false;
		if (!publish(run, error))
			return false;
		show(run);
		if (all_settled(run))
			return true;
		if (!http_client_run(registry_session_http(run->pull->session), TICK_MS / 2, error))
			return false;
	}
}

/* One job per layer, with the chain ids that follow from the config. */
static GPtrArray *make_jobs(const PullLayers *pull)
{
	GPtrArray *jobs = g_ptr_array_new_with_free_func(job_free);
	const char *parent = NULL;
	for (size_t i = 0; i < pull->manifest->layers->len; i++) {
		Job *job = g_new0(Job, 1);
		job->blob = g_ptr_array_index(pull->manifest->layers, i);
		job->diff_id = pull->config->diff_ids[i];
		job->parent = parent;
		job->chain_id = digest_chain_id(parent, job->diff_id);
		parent = job->chain_id;
		g_ptr_array_add(jobs, job);
	}
	return jobs;
}

bool pull_layers(const PullLayers *pull, GError **error)
{
	g_autoptr(GPtrArray) jobs = make_jobs(pull);
	Run run = {.pull = pull, .jobs = jobs, .last_publish = g_get_monotonic_time()};
	bool ok = run_jobs(&run, error);
	layer_publisher_free(run.publisher);
	pull->result->n_layers = jobs->len;
	for (size_t i = 0; i < jobs->len; i++) {
		const Job *job = g_ptr_array_index(jobs, i);
		pull->result->n_present += job->state == PULL_LAYER_PRESENT;
		pull->result->received += job->received;
	}
	return ok;
}
