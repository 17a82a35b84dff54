/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The wire format between a monitor and the commands that talk to it.
 *
 * Every conversation is a SOCK_SEQPACKET socket, so a message arrives whole or not at all. Its
 * first byte is the MessageType; the rest is JSON, or for the streams the bytes themselves. Three
 * sockets speak it:
 *
 *   control pair   monitor -> command: STARTED or ERROR once, then STDOUT and STDERR, at last EXIT.
 *                  command -> monitor: CGROUP first, if the request announced it; STDIN, STDIN_END.
 *   attach.sock    the same for a later client, STARTED being "you are attached".
 *   ctl.sock       command -> monitor: one REQUEST; answer: DONE or ERROR. An exec request is
 * answered by STARTED (with the pty's master, if it has one) and later EXIT; on it a client may
 * send SIGNAL.
 *
 * The end of a socket without EXIT means that the monitor died, or that it dropped a client that
 * did not read.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "libpod/base/json.h"
#include "libpod/monitor/health_config.h"
#include "libpod/runtime/resources.h"
#include "network/attachment.h"

typedef enum {
	MESSAGE_STARTED =
		'S', /* {"pid":N,"ports":[...]}; of an exec session {"session":ID,"pid":N} */
	MESSAGE_ERROR = 'E',     /* {"code":ErrorCode,"message":TEXT} */
	MESSAGE_STDOUT = '1',    /* bytes; a terminal's output too */
	MESSAGE_STDERR = '2',    /* bytes */
	MESSAGE_EXIT = 'X',      /* {"code":N} */
	MESSAGE_STDIN = '0',     /* bytes */
	MESSAGE_STDIN_END = '.', /* no more STDIN comes */
	MESSAGE_REQUEST = 'R',   /* {"op":...} */
	MESSAGE_DONE = 'D',      /* {} */
	MESSAGE_SIGNAL = 'K',    /* {"signum":N}, to an exec session */
	MESSAGE_CGROUP = 'C', /* {"name":TEXT,"without":[...]}, with the base it is made in; without
			     one: none */
} MessageType;

#define MESSAGE_STREAM_MAX 16384 /* bytes of a stream in one message */
#define MESSAGE_JSON_MAX   65536 /* bytes of JSON in one message */
#define MESSAGE_SIZE_MAX   (MESSAGE_JSON_MAX + 1)
#define EXEC_REQUEST_MAX   (16 << 20) /* bytes of an exec request, which travels in a memfd */

/** message_send() - send JSON as one message, waiting for room. Return: false with errno. */
bool message_send(int socket, MessageType type, Json *json);

/** message_send_fds() - as message_send(), with at most 96 descriptors. */
bool message_send_fds(int socket, MessageType type, Json *json, const int *fds, size_t n_fds);

/** message_send_error() - send @error as ERROR. Return: false with errno. */
bool message_send_error(int socket, const GError *error);

/**
 * message_receive() - receive one message
 * @buffer:	room for @size bytes; MESSAGE_SIZE_MAX takes every message
 * @out_fds:	descriptors that came with it, at most @max_fds; NULL for none
 *
 * Return: its size without the type, with a NUL behind it; 0 and *out_type 0 at the end; -1 with
 * errno.
 */
ssize_t message_receive(int socket, MessageType *out_type, char *buffer, size_t size, int *out_fds,
			size_t max_fds, size_t *out_n_fds);

/** message_parse() - the JSON of a message: an object. INVALID. */
Json *message_parse(const char *text, size_t size, GError **error);

/** message_to_error() - turn a received ERROR into @error. Return: always false. */
bool message_to_error(const char *text, size_t size, GError **error);

/** message_exit_code() - the code in a received EXIT, 0 to 255. CORRUPT. */
bool message_exit_code(const char *text, size_t size, int *out_code, GError **error);

typedef enum {
	CONTROL_SIGNAL,
	CONTROL_RESIZE,
	CONTROL_STOPPED,
	CONTROL_EXEC,
	CONTROL_HEALTH,
	CONTROL_PAUSE,
	CONTROL_UNPAUSE,
	CONTROL_UPDATE,
	CONTROL_BEGIN,
	CONTROL_CONNECT,
	CONTROL_DISCONNECT,
	CONTROL_RELOAD,
	CONTROL_SERVERS,
} ControlOp;

/* A request on ctl.sock, decoded. */
typedef struct {
	ControlOp op;
	int signum;
	bool all;
	bool removing;
	char session[65]; /* "" = the container */
	uint16_t rows, columns;
	OciResources resources; /* of an update */
	char restart[16];       /* of an update: a policy; "" = it stays */
	int restart_retries;
	bool health_given;             /* of an update: the probes are others */
	HealthConfig *health;          /* with that; NULL: none any more */
	char **set_env;                /* of an update: NAME=VALUE; NULL: none */
	char **unset_env;              /* of an update: names, after those; NULL: none */
	NetworkAttachment *attachment; /* of connect, disconnect and servers, else NULL */
} ControlRequest;

void control_request_clear(ControlRequest *request);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ControlRequest, control_request_clear)

/** control_request_parse() - decode and check a REQUEST, for control_request_clear(). INVALID names
 * what is wrong. */
bool control_request_parse(const char *text, size_t size, ControlRequest *out_request,
			   GError **error);

/* An exec request, decoded; free with exec_order_clear(). */
typedef struct {
	char **args;           /* never empty */
	char **env;            /* never NULL */
	char *cwd, *user_spec; /* NULL: the container's */
	bool privileged;
	bool terminal;
	bool detached;
	uint16_t rows, columns;
	bool stdio[3];  /* which descriptors came with the request, in order */
	char *preserve; /* '1' for each further one that came, '0' for a hole; NULL: none */
} ExecOrder;

/** exec_order_parse() - decode and check the memfd of an exec request. INVALID. */
bool exec_order_parse(const char *text, size_t size, ExecOrder *out_order, GError **error);
void exec_order_clear(ExecOrder *order);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ExecOrder, exec_order_clear)
