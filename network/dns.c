/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One datagram of the domain name system (RFC 1035): a header of 12 bytes and a question. Whatever
 * else is in it (EDNS) is not looked at; our answers fit what everybody takes.
 */
#include "network/dns.h"

#include <stdio.h>
#include <string.h>

#define HEADER_SIZE 12
#define TYPE_A      1
#define TYPE_PTR    12
#define TYPE_ANY    255
#define CLASS_IN    1
#define NAME_ERROR  3
#define TTL         0 /* the next start may have another address */
#define LABEL_MAX   63
#define DOMAIN      ".dns.podman"
#define REVERSE     ".in-addr.arpa"

typedef struct {
	char name[DNS_NAME_MAX]; /* lower case, without the last dot */
	uint16_t type;
	size_t end; /* behind the question */
} Question;

/* An answer under construction. */
typedef struct {
	uint8_t *data;
	size_t size;
} Answer;

static uint16_t get16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static void put(Answer *answer, const void *data, size_t size)
{
	if (size > DNS_ANSWER_MAX - answer->size)
		return;
	memcpy(answer->data + answer->size, data, size);
	answer->size += size;
}

static void put16(Answer *answer, uint16_t value)
{
	const uint8_t bytes[] = {(uint8_t)(value >> 8), (uint8_t)value};
	put(answer, bytes, sizeof(bytes));
}

/* One label as text. A letter that no host name has becomes '?', which no member's name has. */
static void copy_label(char *out, const uint8_t *label, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		uint8_t c = label[i];
		bool upper = c >= 'A' && c <= 'Z';
		bool plain =
			(c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
		out[i] = upper ? (char)(c + 'a' - 'A') : plain ? (char)c : '?';
	}
}

/* The name of a question, which is never compressed. */
static bool read_name(const uint8_t *data, size_t size, size_t *at, char out[DNS_NAME_MAX])
{
	size_t length = 0;

	for (;;) {
		if (*at >= size)
			return false;
		size_t label = data[(*at)++];
		if (label == 0)
			break;
		if (label > LABEL_MAX || label > size - *at || length + label + 2 > DNS_NAME_MAX)
			return false;
		if (length)
			out[length++] = '.';
		copy_label(out + length, data + *at, label);
		length += label;
		*at += label;
	}
	out[length] = '\0';
	return true;
}

static bool read_question(const uint8_t *data, size_t size, Question *out)
{
	size_t at = HEADER_SIZE;

	/* A standard query with one question. */
	if (size < HEADER_SIZE || (data[2] & 0xf8) != 0 || get16(data + 4) != 1)
		return false;
	if (!read_name(data, size, &at, out->name) || size - at < 4 ||
	    get16(data + at + 2) != CLASS_IN)
		return false;
	out->type = get16(data + at);
	out->end = at + 4;
	return true;
}

/* Header and question again, with what we say about it. */
static Answer begin(const uint8_t *question, const Question *parsed, uint8_t *out, int code,
		    uint16_t records)
{
	Answer answer = {.data = out};

	put(&answer, question, parsed->end);
	out[2] = (uint8_t)(0x84 | (question[2] & 1)); /* an answer, authoritative */
	out[3] = (uint8_t)(0x80 | code);              /* recursion is to be had */
	out[6] = (uint8_t)(records >> 8);
	out[7] = (uint8_t)records;
	memset(out + 8, 0, 4);
	return answer;
}

static void put_record(Answer *answer, uint16_t type, const void *data, size_t size)
{
	const uint8_t ttl[] = {0, 0, 0, TTL};

	put16(answer, 0xc000 | HEADER_SIZE); /* the question's name */
	put16(answer, type);
	put16(answer, CLASS_IN);
	put(answer, ttl, sizeof(ttl));
	put16(answer, (uint16_t)size);
	put(answer, data, size);
}

/* Cut @tail off the end of @name. Return: was it there? */
static bool cut_tail(char *name, const char *tail)
{
	size_t length = strlen(name), cut = strlen(tail);

	if (length <= cut || strcmp(name + length - cut, tail) != 0)
		return false;
	name[length - cut] = '\0';
	return true;
}

/* "2.0.89.10" backwards. */
static bool parse_reverse(const char *text, uint32_t *out)
{
	unsigned a, b, c, d;
	int end = 0;

	if (strlen(text) > 15 || sscanf(text, "%3u.%3u.%3u.%3u%n", &a, &b, &c, &d, &end) != 4 ||
	    text[end] || a > 255 || b > 255 || c > 255 || d > 255)
		return false;
	*out = (uint32_t)d << 24 | c << 16 | b << 8 | a;
	return true;
}

/* A name as labels. */
static size_t write_name(const char *name, uint8_t out[DNS_NAME_MAX + 1])
{
	size_t size = 0;

	while (*name) {
		size_t label = strcspn(name, ".");
		if (label == 0 || label > LABEL_MAX || size + label + 2 > DNS_NAME_MAX)
			return 0;
		out[size++] = (uint8_t)label;
		memcpy(out + size, name, label);
		size += label;
		name += label + (name[label] == '.');
	}
	out[size++] = 0;
	return size;
}

/* A question for the name of an address of ours. */
static int answer_reverse(const DnsNames *names, const uint8_t *question, const Question *parsed,
			  uint32_t address, uint8_t *out)
{
	const char *name = names->reverse(names->data, address);
	uint8_t labels[DNS_NAME_MAX + 1];
	size_t size = name ? write_name(name, labels) : 0;
	bool wanted = size && (parsed->type == TYPE_PTR || parsed->type == TYPE_ANY);
	Answer answer = begin(question, parsed, out, size ? 0 : NAME_ERROR, wanted);

	if (wanted)
		put_record(&answer, TYPE_PTR, labels, size);
	return (int)answer.size;
}

/* The addresses of a member; other types of it exist, but are empty. */
static int answer_name(const uint8_t *question, const Question *parsed, const uint32_t *found,
		       size_t n, uint8_t *out)
{
	bool wanted = parsed->type == TYPE_A || parsed->type == TYPE_ANY;
	Answer answer = begin(question, parsed, out, 0, wanted ? (uint16_t)n : 0);

	for (size_t i = 0; wanted && i < n; i++) {
		const uint8_t bytes[] = {(uint8_t)(found[i] >> 24), (uint8_t)(found[i] >> 16),
					 (uint8_t)(found[i] >> 8), (uint8_t)found[i]};
		put_record(&answer, TYPE_A, bytes, sizeof(bytes));
	}
	return (int)answer.size;
}

int dns_answer(const DnsNames *names, const uint8_t *question, size_t size, uint8_t *answer)
{
	uint32_t found[DNS_ADDRESS_MAX], address = 0;
	Question parsed;

	if (!read_question(question, size, &parsed))
		return -1;
	char name[DNS_NAME_MAX];
	memcpy(name, parsed.name, sizeof(name));
	if (cut_tail(name, REVERSE) && parse_reverse(name, &address) &&
	    (address & names->mask) == names->network)
		return answer_reverse(names, question, &parsed, address, answer);

	memcpy(name, parsed.name, sizeof(name));
	bool ours = cut_tail(name, DOMAIN);
	size_t n = names->find(names->data, name, found, DNS_ADDRESS_MAX);
	if (n)
		return answer_name(question, &parsed, found, n, answer);
	if (!ours && !names->internal)
		return 0;
	return (int)begin(question, &parsed, answer, NAME_ERROR, 0).size;
}
