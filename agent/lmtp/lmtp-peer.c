/* SPDX-License-Identifier: MIT */
/* lmtp-peer: addresses against lists. */
#define _GNU_SOURCE
#include "agent/lmtp/lmtp-peer.h"

#include <arpa/inet.h>
#include <glib.h>
#include <netinet/in.h>
#include <pwd.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

/* An address as 16 octets: IPv4 is ::ffff:a.b.c.d. */
typedef struct {
	unsigned char octets[16];
} Address;

static void
map_ipv4(const struct in_addr *in, Address *ret)
{
	memset(ret, 0, sizeof *ret);
	ret->octets[10] = ret->octets[11] = 0xff;
	memcpy(ret->octets + 12, in, 4);
}

/* "10.0.0.0/8" into an address and the number of bits that count. */
static bool
parse_network(const char *item, Address *ret_address, unsigned *ret_bits)
{
	g_auto(GStrv) parts = g_strsplit(item, "/", 2);
	if (parts[0] == NULL)
		return false;

	struct in_addr in;
	struct in6_addr in6;
	unsigned most = 128, offset = 0;
	if (inet_pton(AF_INET, parts[0], &in) == 1) {
		map_ipv4(&in, ret_address);
		most = 32;
		offset = 96;
	} else if (inet_pton(AF_INET6, parts[0], &in6) == 1) {
		memcpy(ret_address, &in6, sizeof *ret_address);
	} else {
		return false;
	}

	guint64 bits = most;
	if (parts[1] != NULL && !g_ascii_string_to_unsigned(parts[1], 10, 0, most, &bits, NULL))
		return false;

	*ret_bits = offset + (unsigned) bits;
	return true;
}

static bool
is_in_network(const Address *address, const char *item)
{
	Address network;
	unsigned bits;
	if (!parse_network(item, &network, &bits))
		return false;
	if (memcmp(address->octets, network.octets, bits / 8) != 0)
		return false;

	unsigned char mask = (unsigned char) (0xff00 >> bits % 8);
	return bits % 8 == 0 ||
	       ((address->octets[bits / 8] ^ network.octets[bits / 8]) & mask) == 0;
}

static bool
is_in_list(const Address *address, const char *const *list)
{
	for (; list != NULL && *list != NULL; list++)
		if (is_in_network(address, *list))
			return true;
	return false;
}

static bool
is_loopback(const Address *address)
{
	return is_in_network(address, "127.0.0.0/8") || is_in_network(address, "::1");
}

/* Do the "user:" items of a list name `uid`? *ret_any: there are such items. */
static bool
is_user_in_list(uid_t uid, const char *const *list, bool *ret_any)
{
	*ret_any = false;
	for (; list != NULL && *list != NULL; list++) {
		if (!g_str_has_prefix(*list, "user:"))
			continue;
		*ret_any = true;
		const struct passwd *entry = getpwnam(*list + strlen("user:"));
		if (entry != NULL && entry->pw_uid == uid)
			return true;
	}

	return false;
}

static LmtpPeer
judge_unix(int fd, const char *const *allow)
{
	LmtpPeer peer = { .allowed = false };
	struct ucred cred;
	socklen_t len = sizeof cred;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
		return peer;
	g_snprintf(peer.name, sizeof peer.name, "uid=%u", (unsigned) cred.uid);
	bool any;
	peer.allowed = is_user_in_list(cred.uid, allow, &any) || !any;
	peer.trusted = peer.allowed;

	return peer;
}

static LmtpPeer
judge_address(const struct sockaddr_storage *from, const char *const *allow,
              const char *const *trusted)
{
	LmtpPeer peer = { .allowed = false };
	Address address;

	if (from->ss_family == AF_INET)
		map_ipv4(&((const struct sockaddr_in *) from)->sin_addr, &address);
	else
		memcpy(&address, &((const struct sockaddr_in6 *) from)->sin6_addr, sizeof address);

	(void) inet_ntop(AF_INET6, &address, peer.name, sizeof peer.name);
	peer.allowed = allow == NULL || *allow == NULL ? is_loopback(&address)
	                                               : is_in_list(&address, allow);
	peer.trusted = is_in_list(&address, trusted);

	return peer;
}

LmtpPeer
lmtp_peer_find(int fd, const char *const *allow, const char *const *trusted)
{
	struct sockaddr_storage from = { 0 };
	socklen_t len = sizeof from;
	if (getpeername(fd, (struct sockaddr *) &from, &len) < 0)
		return (LmtpPeer){ .name = "", .allowed = false };
	if (from.ss_family == AF_UNIX)
		return judge_unix(fd, allow);
	if (from.ss_family == AF_INET || from.ss_family == AF_INET6)
		return judge_address(&from, allow, trusted);

	return (LmtpPeer){ .name = "", .allowed = false };
}

const char *
lmtp_peer_check_list(const char *const *list)
{
	Address address;
	unsigned bits;

	for (; list != NULL && *list != NULL; list++)
		if (!g_str_has_prefix(*list, "user:") && !parse_network(*list, &address, &bits))
			return *list;
	return NULL;
}
