/* SPDX-License-Identifier: MIT */
/*
 * sieve-field: fields by name through an index of hashes; decoded values and addresses kept by the
 * field's number.
 */
#include "filters/sieve/run/sieve-field.h"

#include "filters/sieve/run/sieve-value.h"

#include <string.h>

/* Chains of fields with the same low bits of their name's hash, in the order of the message. */
typedef struct {
	guint *heads; /* field number + 1 */
	guint *nexts; /* by field */
	guint mask;
} Index;

typedef struct {
	guint *numbers;
	size_t n;
	bool known;
} Slot;

typedef struct {
	SieveText text;
	bool known;
} Value;

typedef struct {
	SieveAddress *addresses;
	size_t n;
	bool known;
} Addresses;

/* What is known of fields is made for so many in a row: rules look at few of fifty thousand. */
enum { IN_A_ROW = 64 };

struct SieveFieldCache {
	SieveArena *arena;
	Index index;
	Slot *slots;
	Value **values; /* rows; NULL: nothing is known of these */
	Addresses **addresses;
};

SieveFieldCache *
sieve_field_cache_new(void)
{
	SieveFieldCache *cache = g_new0(SieveFieldCache, 1);
	cache->arena = sieve_arena_new();
	return cache;
}

void
sieve_field_cache_clear(SieveFieldCache *cache)
{
	sieve_arena_free(cache->arena);
	*cache = (SieveFieldCache){ .arena = sieve_arena_new() };
}

void
sieve_field_cache_free(SieveFieldCache *cache)
{
	if (cache == NULL)
		return;
	sieve_arena_free(cache->arena);
	g_free(cache);
}

static void
build_index(SieveFieldCache *cache, const Headers *headers)
{
	size_t n = headers_count(headers);
	guint size = 16;

	while (size < n)
		size *= 2;
	cache->index.mask = size - 1;
	cache->index.heads = SIEVE_NEW_ARRAY(cache->arena, guint, size);
	cache->index.nexts = SIEVE_NEW_ARRAY(cache->arena, guint, n);

	for (size_t i = n; i-- > 0;) {
		guint32 hash = headers_get(headers, i)->hash;
		guint *head = &cache->index.heads[hash & cache->index.mask];
		cache->index.nexts[i] = *head;
		*head = (guint) i + 1;
	}
}

/* Numbers of all fields of that name, in `arena`. */
static Slot
find_fields(SieveRun *run, SieveArena *arena, const char *name, size_t len)
{
	SieveFieldCache *cache = run->fields;

	if (cache->index.heads == NULL) {
		build_index(cache, run->headers);
		/* the next command sees that it failed */
		(void) sieve_run_spend(run, headers_count(run->headers));
	}

	guint32 hash = headers_hash(name, len);
	g_autoptr(GArray) found = NULL;
	for (guint at = cache->index.heads[hash & cache->index.mask]; at != 0;
	     at = cache->index.nexts[at - 1]) {
		const HeaderField *field = headers_get(run->headers, at - 1);
		guint number = at - 1;
		if (field->hash != hash || field->name_len != len ||
		    g_ascii_strncasecmp(field->bytes, name, len) != 0)
			continue;
		if (found == NULL)
			found = g_array_new(FALSE, FALSE, sizeof(guint));
		g_array_append_val(found, number);
	}

	Slot slot = { .known = true };
	if (found == NULL)
		return slot;

	slot.n = found->len;
	slot.numbers = memcpy(SIEVE_NEW_ARRAY(arena, guint, found->len), found->data,
	                      found->len * sizeof(guint));
	return slot;
}

static Slot
take_slot(SieveRun *run, const SieveString *string)
{
	SieveFieldCache *cache = run->fields;

	if (string->field == 0) {
		SieveText name = sieve_run_text(run, string);
		return find_fields(run, run->scratch, name.data, name.len);
	}

	if (cache->slots == NULL)
		cache->slots = SIEVE_NEW_ARRAY(cache->arena, Slot, run->program->fields->len);
	Slot *slot = &cache->slots[string->field - 1];
	if (!slot->known) {
		const char *name = run->program->fields->pdata[string->field - 1];
		*slot = find_fields(run, cache->arena, name, strlen(name));
	}

	return *slot;
}

const guint *
sieve_run_fields(SieveRun *run, const SieveCall *call, const SieveString *name, size_t *ret_n)
{
	Slot slot = take_slot(run, name);

	*ret_n = slot.n;
	if (call == NULL || call->index == 0)
		return slot.numbers;

	/* :index counts from the first field, with :last from the last one (RFC 5260 6). */
	*ret_n = call->index <= slot.n ? 1 : 0;
	if (*ret_n == 0)
		return NULL;

	return slot.numbers + (call->index_from_last ? slot.n - call->index : call->index - 1);
}

static size_t
count_rows(const SieveRun *run)
{
	return (headers_count(run->headers) + IN_A_ROW - 1) / IN_A_ROW;
}

/* Of the row with field `number`: the last one may be shorter. */
static size_t
row_length(const SieveRun *run, guint number)
{
	return MIN(headers_count(run->headers) - number / IN_A_ROW * IN_A_ROW, IN_A_ROW);
}

SieveText
sieve_run_field_value(SieveRun *run, guint number)
{
	SieveFieldCache *cache = run->fields;

	if (cache->values == NULL)
		cache->values = SIEVE_NEW_ARRAY(cache->arena, Value *, count_rows(run));
	Value **row = &cache->values[number / IN_A_ROW];
	if (*row == NULL)
		*row = SIEVE_NEW_ARRAY(cache->arena, Value, row_length(run, number));
	Value *value = &(*row)[number % IN_A_ROW];
	if (!value->known) {
		const char *guess;
		value->text = sieve_value_of_field(cache->arena, headers_get(run->headers, number),
		                                   run->headers, &guess);
		value->known = true;
		if (guess != NULL)
			sieve_run_trace(run, TRACE_MATCHING, run->at,
			                "line %u of the message: taken as %s",
			                headers_get(run->headers, number)->line, guess);
	}

	return value->text;
}

const SieveAddress *
sieve_run_field_addresses(SieveRun *run, guint number, size_t *ret_n)
{
	SieveFieldCache *cache = run->fields;

	if (cache->addresses == NULL)
		cache->addresses = SIEVE_NEW_ARRAY(cache->arena, Addresses *, count_rows(run));
	Addresses **row = &cache->addresses[number / IN_A_ROW];
	if (*row == NULL)
		*row = SIEVE_NEW_ARRAY(cache->arena, Addresses, row_length(run, number));
	Addresses *known = &(*row)[number % IN_A_ROW];
	if (!known->known) {
		g_autoptr(GArray) found = g_array_new(FALSE, FALSE, sizeof(SieveAddress));
		sieve_value_addresses(
			cache->arena,
			sieve_value_raw(cache->arena, headers_get(run->headers, number)), found);
		known->n = found->len;
		known->addresses = SIEVE_NEW_ARRAY(cache->arena, SieveAddress, found->len);
		if (found->len > 0)
			memcpy(known->addresses, found->data, found->len * sizeof(SieveAddress));
		known->known = true;
	}

	*ret_n = known->n;
	return known->addresses;
}
