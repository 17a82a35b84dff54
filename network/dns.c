/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One message of the domain name system (RFC 1035): a header of 12 bytes, a question, and perhaps
 * an OPT record by which the questioner says what he takes (EDNS, RFC 6891).
 */
#include "network/dns.h"

#include <glib.h>
#include <string.h>

#include "libpod/base/wall.h"

#define HEADER_SIZE     12
#define TYPE_A          1
#define TYPE_PTR        12
#define TYPE_OPT        41
#define TYPE_AAAA       28
#define TYPE_ANY        255
#define CLASS_IN        1
#define TTL             0 /* the next start may have another address */
#define LABEL_MAX       63
#define RECORDS_MAX     16 /* behind a question */
#define RECORD_SIZE     10 /* of a record behind its name, without its data */
#define OPT_SIZE        11
#define ADVERTISED_SIZE 1232 /* of a datagram that nobody cuts */
#define FLAG_TRUNCATED  0x02
#define FLAG_AUTHORITY  0x04
#define DOMAIN          "dns.podman"
#define REVERSE         "in-addr.arpa"
#define REVERSE6        "ip6.arpa"
#define NIBBLES         32 /* of an IPv6 address */

typedef struct {
	char name[DNS_NAME_MAX]; /* lower case, without the last dot */
	uint16_t type;
	size_t end;       /* behind the question */
	bool edns;        /* there is an OPT record */
	uint16_t payload; /* what the questioner takes over UDP */
} Question;

/* An answer under construction. */
typedef struct {
	uint8_t *data;
	size_t size, room;
	const Question *question;
	uint32_t asker;
	int code;
	uint8_t flags;
	uint16_t records;
} Answer;

static uint16_t get16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static void put(Answer *answer, const void *data, size_t size)
{
	memcpy(answer->data + answer->size, data, size);
	answer->size += size;
}

static void put16(Answer *answer, uint16_t value)
{
	const uint8_t bytes[] = {(uint8_t)(value >> 8), (uint8_t)value};
	put(answer, bytes, sizeof(bytes));
}

/* ---- reading ---- */

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

/* The name of a record, which may end in a reference to another. */
static bool skip_name(const uint8_t *data, size_t size, size_t *at)
{
	for (;;) {
		if (*at >= size)
			return false;
		size_t label = data[(*at)++];
		if (label == 0)
			return true;
		if (label >= 0xc0)
			return (*at)++ < size;
		if (label > LABEL_MAX || label > size - *at)
			return false;
		*at += label;
	}
}

/* One record behind the question; of all of them only OPT says something to us. Return: 0 or a
 * code. */
static int read_record(const uint8_t *data, size_t size, size_t *at, Question *out)
{
	size_t start = *at;

	if (!skip_name(data, size, at) || size - *at < RECORD_SIZE)
		return DNS_FORMAT_ERROR;
	const uint8_t *record = data + *at;
	size_t length = get16(record + 8);
	*at += RECORD_SIZE;
	if (length > size - *at)
		return DNS_FORMAT_ERROR;
	*at += length;
	if (get16(record) != TYPE_OPT)
		return 0;
	if (out->edns || data[start] != 0)
		return DNS_FORMAT_ERROR;
	out->edns = true;
	out->payload = get16(record + 2);
	return record[5] ? DNS_BAD_VERSION : 0;
}

/* A standard query with one question. Return: 0, a code to be answered, or -1 if it is none. */
static int read_question(const uint8_t *data, size_t size, Question *out)
{
	size_t at = HEADER_SIZE;

	*out = (Question){.end = HEADER_SIZE, .payload = DNS_PLAIN_MAX};
	if (size < HEADER_SIZE || data[2] & 0x80)
		return -1;
	if (data[2] & 0x78)
		return DNS_NOT_IMPLEMENTED;
	if (get16(data + 4) != 1 || !read_name(data, size, &at, out->name) || size - at < 4)
		return DNS_FORMAT_ERROR;
	out->type = get16(data + at);
	out->end = at + 4;
	unsigned records = get16(data + 6) + get16(data + 8) + get16(data + 10);
	if (records > RECORDS_MAX)
		return DNS_FORMAT_ERROR;
	uint16_t class = get16(data + at + 2);
	at += 4;
	for (unsigned i = 0; i < records; i++) {
		int code = read_record(data, size, &at, out);
		if (code)
			return code;
	}
	return class == CLASS_IN ? 0 : DNS_REFUSED;
}

/* ---- writing ---- */

static size_t limit(const Question *question, size_t room)
{
	size_t takes = question->payload < DNS_PLAIN_MAX ? DNS_PLAIN_MAX : question->payload;

	return room == DNS_TCP_MAX || takes > room ? room : takes;
}

/* Header and question again. */
static Answer begin(const uint8_t *data, const Question *question, uint8_t *out, size_t room)
{
	Answer answer = {.data = out, .question = question, .flags = FLAG_AUTHORITY};

	answer.room = limit(question, room) - (question->edns ? OPT_SIZE : 0);
	put(&answer, data, question->end);
	return answer;
}

/* What we say about it, and what we take ourselves. Return: size of the whole. */
static int finish(Answer *answer)
{
	const uint8_t rest[] = {(uint8_t)(answer->code >> 4), 0, 0, 0, 0, 0};
	uint8_t *data = answer->data;
	bool asked = answer->question->end > HEADER_SIZE;

	/* An answer; whether recursion is desired is repeated, and it is to be had. */
	data[2] = (uint8_t)(0x80 | answer->flags | (data[2] & 0x79));
	data[3] = (uint8_t)(0x80 | (answer->code & 15));
	memset(data + 4, 0, HEADER_SIZE - 4);
	data[5] = asked;
	data[6] = (uint8_t)(answer->records >> 8);
	data[7] = (uint8_t)answer->records;
	if (answer->question->edns) {
		data[11] = 1;
		put(answer, "", 1);
		put16(answer, TYPE_OPT);
		put16(answer, ADVERTISED_SIZE);
		put(answer, rest, sizeof(rest));
	}
	return (int)answer->size;
}

/* Return: false if it does not fit. */
static bool put_record(Answer *answer, uint16_t type, const void *data, size_t size)
{
	const uint8_t ttl[] = {0, 0, 0, TTL};

	if (2 + RECORD_SIZE + size > answer->room - answer->size) {
		answer->flags |= FLAG_TRUNCATED;
		return false;
	}
	put16(answer, 0xc000 | HEADER_SIZE); /* the question's name */
	put16(answer, type);
	put16(answer, CLASS_IN);
	put(answer, ttl, sizeof(ttl));
	put16(answer, (uint16_t)size);
	put(answer, data, size);
	answer->records++;
	return true;
}

/* Cut ".@tail" off the end of @name. Return: was it there? */
static bool cut_tail(char *name, const char *tail)
{
	size_t length = strlen(name), cut = strlen(tail);

	if (length <= cut || strcmp(name + length - cut, tail) != 0)
		return false;
	name[length - cut] = '\0';
	return true;
}

/* "2.0.89.10" backwards, or the end of such. Return: how many numbers, 0 if it is no such thing. */
static unsigned parse_reverse(const char *text, uint32_t *out)
{
	unsigned n = 0;
	uint32_t address = 0;

	for (;; n++, text++) {
		unsigned value = 0, digits = 0;
		for (; *text >= '0' && *text <= '9' && digits < 3; text++, digits++)
			value = value * 10 + (unsigned)(*text - '0');
		if (digits == 0 || value > 255 || n == 4)
			return 0;
		address |= value << (8 * n);
		if (*text != '.')
			break;
	}
	if (*text)
		return 0;
	*out = address << (8 * (3 - n));
	return n + 1;
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

/* The name of an address of ours; of a whole row of them there is none. */
static void answer_reverse(const char *name, bool whole, Answer *answer)
{
	uint8_t labels[DNS_NAME_MAX + 1];
	size_t size = name ? write_name(name, labels) : 0;
	uint16_t type = answer->question->type;

	if (size && (type == TYPE_PTR || type == TYPE_ANY))
		(void)put_record(answer, TYPE_PTR, labels, size);
	else if (!size && whole)
		answer->code = DNS_NAME_ERROR;
}

/* Is it a name of our own addresses? Then it is answered. */
static bool try_reverse(const DnsNames *names, Answer *answer)
{
	char name[DNS_NAME_MAX];
	uint32_t address = 0;

	memcpy(name, answer->question->name, sizeof(name));
	if (!cut_tail(name, "." REVERSE))
		return false;
	unsigned n = parse_reverse(name, &address);
	/* Fewer numbers are a larger network than ours, or a part of it. */
	if (n == 0 || (address & names->mask) != names->network ||
	    (n < 4 && names->mask << (8 * n)))
		return false;
	answer_reverse(n == 4 ? names->reverse(names->data, address) : NULL, n == 4, answer);
	return true;
}

/* "1.0.0. ... .d.f" backwards, or the end of such. Return: how many digits, 0 if it is no such
 * thing. */
static unsigned parse_reverse6(const char *text, struct in6_addr *out)
{
	size_t length = strlen(text);
	unsigned n = 0;

	*out = (struct in6_addr){0};
	if (length % 2 == 0 || length > 2 * NIBBLES - 1)
		return 0;
	for (const char *at = text + length - 1;; at -= 2, n++) {
		int digit = g_ascii_xdigit_value(*at);
		if (digit < 0)
			return 0;
		out->s6_addr[n / 2] |= (uint8_t)(n % 2 ? digit : digit << 4);
		if (at == text)
			return n + 1;
		if (at[-1] != '.')
			return 0;
	}
}

/* The same for IPv6. */
static bool try_reverse6(const DnsNames *names, Answer *answer)
{
	char name[DNS_NAME_MAX];
	struct in6_addr address;

	memcpy(name, answer->question->name, sizeof(name));
	if (!names->subnet6.prefix || !cut_tail(name, "." REVERSE6))
		return false;
	unsigned n = parse_reverse6(name, &address);
	if (n == 0 || n * 4 < names->subnet6.prefix || !subnet6_contains(&names->subnet6, &address))
		return false;
	bool whole = n == NIBBLES;
	answer_reverse(whole ? names->reverse6(names->data, &address) : NULL, whole, answer);
	return true;
}

/* The addresses of a member, each time beginning with another; other types of it exist, but are
 * empty. */
static void put_addresses(Answer *answer, const uint32_t *found, size_t n)
{
	bool wanted = answer->question->type == TYPE_A || answer->question->type == TYPE_ANY;

	for (size_t i = 0; wanted && i < n; i++) {
		uint32_t one = found[(i + get16(answer->data)) % n];
		const uint8_t bytes[] = {(uint8_t)(one >> 24), (uint8_t)(one >> 16),
					 (uint8_t)(one >> 8), (uint8_t)one};
		if (!put_record(answer, TYPE_A, bytes, sizeof(bytes)))
			return;
	}
}

/* The name's IPv6 addresses, where the network has such. */
static void put_addresses6(const DnsNames *names, const char *name, Answer *answer)
{
	uint16_t type = answer->question->type;
	struct in6_addr found[DNS_ADDRESS6_MAX];

	if (!names->find6 || (type != TYPE_AAAA && type != TYPE_ANY))
		return;
	size_t n = names->find6(names->data, answer->asker, name, found, DNS_ADDRESS6_MAX);
	for (size_t i = 0; i < n; i++)
		if (!put_record(answer, TYPE_AAAA, &found[(i + get16(answer->data)) % n],
				sizeof(*found)))
			return;
}

/* Return: false if somebody else is to be asked. */
static bool try_name(const DnsNames *names, Answer *answer)
{
	uint32_t found[DNS_ADDRESS_MAX];
	char name[DNS_NAME_MAX];

	memcpy(name, answer->question->name, sizeof(name));
	bool ours = cut_tail(name, "." DOMAIN);
	size_t n = names->find(names->data, answer->asker, name, found, DNS_ADDRESS_MAX);
	if (n) {
		put_addresses(answer, found, n);
		put_addresses6(names, name, answer);
		return true;
	}
	/* The domain itself exists, empty. */
	if (strcmp(name, DOMAIN) == 0)
		return true;
	answer->code = DNS_NAME_ERROR;
	bool internal = names->internal && wall_stands("internal-names");
	bool local = ours || (*name && !strchr(name, '.'));
	return internal || (local && wall_stands("local-names"));
}

int dns_answer(const DnsNames *names, uint32_t asker, const uint8_t *question, size_t size,
	       size_t room, uint8_t *answer)
{
	Question parsed;
	int code = read_question(question, size, &parsed);

	if (code < 0)
		return -1;
	Answer out = begin(question, &parsed, answer, room);
	out.asker = asker;
	if (code) {
		out.code = code;
		out.flags = 0;
		return finish(&out);
	}
	return try_reverse(names, &out) || try_reverse6(names, &out) || try_name(names, &out)
		       ? finish(&out)
		       : 0;
}

size_t dns_room(const uint8_t *question, size_t size, size_t room)
{
	Question parsed;

	return read_question(question, size, &parsed) < 0 ? 0 : limit(&parsed, room);
}

size_t dns_fail(const uint8_t *question, size_t size, int code, uint8_t *answer)
{
	Question parsed;

	if (read_question(question, size, &parsed) < 0)
		return 0;
	Answer out = begin(question, &parsed, answer, DNS_PLAIN_MAX);
	out.code = code;
	out.flags = code ? 0 : FLAG_TRUNCATED;
	return (size_t)finish(&out);
}

bool dns_is_answer(const uint8_t *question, size_t size, const uint8_t *answer, size_t answer_size)
{
	Question parsed;

	if (answer_size < HEADER_SIZE || read_question(question, size, &parsed) != 0)
		return false;
	if (!(answer[2] & 0x80) || memcmp(answer, question, 2) != 0)
		return false;
	/* Who understood nothing may repeat nothing. */
	if (get16(answer + 4) == 0)
		return dns_code(answer) != 0 && dns_code(answer) != DNS_NAME_ERROR;
	return get16(answer + 4) == 1 && answer_size >= parsed.end &&
	       memcmp(answer + HEADER_SIZE, question + HEADER_SIZE, parsed.end - HEADER_SIZE) == 0;
}

int dns_code(const uint8_t *answer)
{
	return answer[3] & 15;
}
