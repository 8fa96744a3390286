/*
 * limits: every bound on what an outsider controls, with unit and reason. Each has a test one over and a line in
 * todoke.conf(5) or todoke(8). Bounds that a site may move are settings (conf/conf-table.def); these are not.
 */
#ifndef TODOKE_LIMITS_H
#define TODOKE_LIMITS_H

/* Bytes of a header block that are kept in memory and indexed; what follows is stored, but seen as body. Holds 50,000 lines. */
#define LIMIT_HEADER_BYTES (8u * 1024 * 1024)

/* Header fields that are indexed; what follows is stored, but seen as body. Each costs 32 bytes. */
#define LIMIT_HEADER_FIELDS 100000u

/* Bytes read from the client or copied between files in one call: fewer system calls than stdio, still in the cache. */
#define LIMIT_COPY_CHUNK (256u * 1024)

/* Delivered-To lines that the loop check looks at; Postfix stops at 1,000 too (local/delivered_hdr.c). */
#define LIMIT_DELIVERED_TO 1000u

/* Octets of an address: local part 64, domain 255, the sign between (RFC 5321 4.5.3.1). Postfix lets more through: room for it. */
#define LIMIT_ADDRESS_BYTES 1024u

/* Octets of one path component on every file system that we know. */
#define LIMIT_FILE_NAME 255u

/* Bytes of output that Postfix reads from a command, and of text on success that pipe(8) shows. */
#define LIMIT_ANSWER_BYTES 2000u
#define LIMIT_ANSWER_OK_BYTES 100u

/* Bytes of one log line: syslog(3) and journald cut longer ones. */
#define LIMIT_LOG_LINE 4000u

/* Steps of one PCRE2 match, and kilobytes of its heap: a pattern or a value of a stranger must not hold the delivery. */
#define LIMIT_REGEX_STEPS 1000000u
#define LIMIT_REGEX_HEAP_KB 16384u

/* Levels of parts that are looked into, and parts. Deeper ones stay closed: mail programs give up sooner (Pigeonhole, GMime and Dovecot at 100 to 1,000). */
#define LIMIT_MIME_DEPTH 100u
#define LIMIT_MIME_PARTS 1000u

/* Bytes of one part's header, and of one Content-Type or Content-Disposition value that is read. What follows is seen as body, or not at all. */
#define LIMIT_MIME_PART_HEADER (256u * 1024)
#define LIMIT_MIME_VALUE (8u * 1024)

/* Octets of a boundary that is searched for: RFC 2046 allows 70, mail programs write some more. */
#define LIMIT_MIME_BOUNDARY 255u

/* Addresses that are read from one field, and octets of a name. Postfix's header_size_limit (102,400) holds some 5,000. */
#define LIMIT_ADDRESSES 10000u
#define LIMIT_ADDRESS_NAME 4096u

#endif
