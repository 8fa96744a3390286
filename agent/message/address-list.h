/* SPDX-License-Identifier: MIT */
/*
 * address-list: the addresses of a header value, as real mail writes them (RFC 5322 3.4 and 4.4,
 * and what is not in it).
 *
 * Our own parser, not GMime's: of the 70 kinds in tests/unit/test-address-list.c GMime 3.2.13, at
 * its most lenient, loses a usable address in ten ("foo.@docomo.ne.jp" and "foo..bar@docomo.ne.jp"
 * of Japanese carriers, "[list] A <a@b>", "John a@b", what follows a ';', a bracket or parenthesis
 * without its mate, ISO-2022-JP without a label), takes "a@b:c" for a group, and dies of its
 * recursion on 100 kB of "a:". Ours keeps a bad item's neighbours in all of them, is linear, and
 * needs no module.
 */
#ifndef TODOKE_ADDRESS_LIST_H
#define TODOKE_ADDRESS_LIST_H

#include "agent/base/status.h"

/* One address, or the name of a group. All strings are owned by the list and valid UTF-8. */
typedef struct {
	/* display name, else the comment; as it stands without quotes, or decoded; NULL: none */
	char *name;
	char *local; /* unquoted; never NULL */
	/* without the '@'; a literal keeps its brackets; NULL: a bare word such as "root" */
	char *domain;
	/* local@domain, the local part unquoted, as the envelope has it; "" for a group */
	char *address;
	char *group;   /* name of the group that it stands in; NULL: none */
	bool is_group; /* it is a group itself: `name` is its name; its members follow */
	bool valid;    /* follows RFC 5321: a local part and a domain that could be sent to */
} AddressItem;

typedef struct {
	AddressItem *items;
	size_t count;
	bool cut; /* there were more than LIMIT_ADDRESSES */
} AddressList;

typedef enum {
	ADDRESS_NAMES_RAW,     /* never needs the module */
	ADDRESS_NAMES_DECODED, /* encoded words decoded; without the module they stay raw */
} AddressNames;

/*
 * Read the addresses of a field value, folded or not. Never fails: what is no address is left out
 * or, if there is any text that could be meant as one, becomes an item that is not `valid`; the
 * neighbours are not touched. Linear in `len`. Clear with address_list_clear.
 */
void address_list_parse(const char *value, size_t len, AddressNames names, AddressList *ret_list);

void address_list_clear(AddressList *list);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(AddressList, address_list_clear)

#endif
