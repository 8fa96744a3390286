/* SPDX-License-Identifier: MIT */
/* redis-tls: see the header. */
#include "agent/state/redis-tls.h"

#include "config.h"

#ifdef HAVE_OPENSSL

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <string.h>

struct RedisTls {
	SSL_CTX *context;
	SSL *ssl;
};

/* What OpenSSL says of the last fault, behind what we were at. Caller frees. */
static char *
explain(const char *what)
{
	unsigned long code = ERR_peek_last_error();
	const char *reason = code != 0 ? ERR_reason_error_string(code) : NULL;
	ERR_clear_error();
	return g_strdup_printf("%s: %s", what, reason != NULL ? reason : "TLS failed");
}

/* A key with a passphrase is not read: nobody is there to type it. */
static int
refuse_passphrase(char *text, int size, int is_written, void *user)
{
	(void) text, (void) size, (void) is_written, (void) user;
	return 0;
}

/* The end of a list of certificates is no fault. */
static bool
is_end_of_list(void)
{
	bool is_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
	if (is_end)
		ERR_clear_error();
	return is_end;
}

static void
free_certificate(gpointer certificate)
{
	X509_free(certificate);
}

/* All certificates (X509 *) of a text. NULL: it has none, or one that cannot be read. */
static GPtrArray *
read_certificates(const char *pem)
{
	g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func(free_certificate);
	BIO *bio = BIO_new_mem_buf(pem, -1);

	for (X509 *one; (one = PEM_read_bio_X509(bio, NULL, refuse_passphrase, NULL)) != NULL;)
		g_ptr_array_add(list, one);
	BIO_free(bio);

	return list->len > 0 && is_end_of_list() ? g_steal_pointer(&list) : NULL;
}

static bool
trust_all_of(X509_STORE *store, const char *pem)
{
	g_autoptr(GPtrArray) list = read_certificates(pem);
	bool is_good = list != NULL;

	for (guint i = 0; is_good && i < list->len; i++)
		is_good = X509_STORE_add_cert(store, list->pdata[i]) == 1;
	return is_good;
}

/* Our certificate, and behind it those that lead to its issuer. */
static bool
use_certificates(SSL_CTX *context, const char *pem)
{
	g_autoptr(GPtrArray) list = read_certificates(pem);
	bool is_good = list != NULL && SSL_CTX_use_certificate(context, list->pdata[0]) == 1;

	for (guint i = 1; is_good && i < list->len; i++)
		is_good = SSL_CTX_add1_chain_cert(context, list->pdata[i]) == 1;
	return is_good;
}

static bool
use_key(SSL_CTX *context, const char *pem)
{
	BIO *bio = BIO_new_mem_buf(pem, -1);
	EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, refuse_passphrase, NULL);
	bool is_good = key != NULL && SSL_CTX_use_PrivateKey(context, key) == 1 &&
	               SSL_CTX_check_private_key(context) == 1;

	EVP_PKEY_free(key);
	BIO_free(bio);
	return is_good;
}

/* What of the settings cannot be used; NULL: all can. */
static const char *
apply(SSL_CTX *context, const StateTls *settings)
{
	SSL_CTX_set_verify(context, settings->is_trusting ? SSL_VERIFY_NONE : SSL_VERIFY_PEER,
	                   NULL);
	if (SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1)
		return "TLS 1.2";
	if (settings->ca == NULL) {
		/* which are looked up by name when they are needed */
		if (SSL_CTX_set_default_verify_paths(context) != 1)
			return "the authorities of the system";
	} else if (!trust_all_of(SSL_CTX_get_cert_store(context), settings->ca)) {
		return "state_tls_ca_file has no certificates";
	}
	if (settings->certificate == NULL)
		return NULL;
	if (!use_certificates(context, settings->certificate))
		return "state_tls_certificate_file has no certificate";

	return use_key(context, settings->certificate)
	               ? NULL
	               : "state_tls_certificate_file has no key of this certificate, or one with a "
	                 "passphrase";
}

/* An address has to be among the addresses of the certificate, a name among its names. */
static bool
expect_host(SSL *ssl, const char *host)
{
	if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1)
		return true;
	ERR_clear_error();
	return SSL_set1_host(ssl, host) == 1 && SSL_set_tlsext_host_name(ssl, host) == 1;
}

RedisTls *
redis_tls_new(const StateTls *settings, const char *host, int fd, char **ret_why)
{
	ERR_clear_error();
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());
	const char *wrong = context != NULL ? apply(context, settings) : "cannot begin";
	SSL *ssl = wrong == NULL ? SSL_new(context) : NULL;

	if (ssl != NULL && expect_host(ssl, host) && SSL_set_fd(ssl, fd) == 1) {
		RedisTls *tls = g_new0(RedisTls, 1);
		*tls = (RedisTls){ context, ssl };
		return tls;
	}

	*ret_why = explain(wrong != NULL ? wrong : "cannot begin");
	SSL_free(ssl);
	SSL_CTX_free(context);
	return NULL;
}

void
redis_tls_free(RedisTls *tls)
{
	if (tls == NULL)
		return;
	SSL_free(tls->ssl);
	SSL_CTX_free(tls->context);
	g_free(tls);
}

/* OpenSSL 3 calls an end without a farewell a fault; Redis takes none either. */
static bool
is_end_without_farewell(int error)
{
#ifdef SSL_R_UNEXPECTED_EOF_WHILE_READING
	return error == SSL_ERROR_SSL &&
	       ERR_GET_REASON(ERR_peek_last_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING;
#else
	(void) error;
	return false;
#endif
}

/* What a call that did not succeed means. */
static RedisTlsStep
judge(RedisTls *tls, int result, short *ret_events, char **ret_why)
{
	int error = SSL_get_error(tls->ssl, result);
	if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) {
		*ret_events = error == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT;
		return REDIS_TLS_WAIT;
	}
	if (error == SSL_ERROR_ZERO_RETURN || error == SSL_ERROR_SYSCALL ||
	    is_end_without_farewell(error)) {
		ERR_clear_error();
		return REDIS_TLS_ENDED;
	}

	long verdict = SSL_get_verify_result(tls->ssl);
	*ret_why = explain("TLS");
	if (verdict != X509_V_OK && SSL_get_verify_mode(tls->ssl) != SSL_VERIFY_NONE) {
		g_free(*ret_why);
		*ret_why = g_strdup_printf("the server's certificate is not accepted: %s",
		                           X509_verify_cert_error_string(verdict));
	}
	return REDIS_TLS_FAILED;
}

RedisTlsStep
redis_tls_handshake(RedisTls *tls, short *ret_events, char **ret_why)
{
	ERR_clear_error();
	int result = SSL_connect(tls->ssl);
	return result == 1 ? REDIS_TLS_DONE : judge(tls, result, ret_events, ret_why);
}

RedisTlsStep
redis_tls_read(RedisTls *tls, void *octets, size_t size, size_t *ret_n, short *ret_events,
               char **ret_why)
{
	ERR_clear_error();
	int result = SSL_read_ex(tls->ssl, octets, size, ret_n);
	return result == 1 ? REDIS_TLS_DONE : judge(tls, result, ret_events, ret_why);
}

RedisTlsStep
redis_tls_write(RedisTls *tls, const void *octets, size_t n, size_t *ret_n, short *ret_events,
                char **ret_why)
{
	ERR_clear_error();
	int result = SSL_write_ex(tls->ssl, octets, n, ret_n);
	return result == 1 ? REDIS_TLS_DONE : judge(tls, result, ret_events, ret_why);
}

#else

RedisTls *
redis_tls_new(const StateTls *settings, const char *host, int fd, char **ret_why)
{
	(void) settings, (void) host, (void) fd;
	*ret_why = g_strdup("rediss: this todoke was built without OpenSSL (package libssl-dev)");
	return NULL;
}

void
redis_tls_free(RedisTls *tls)
{
	(void) tls;
}

RedisTlsStep
redis_tls_handshake(RedisTls *tls, short *ret_events, char **ret_why)
{
	(void) tls, (void) ret_events, (void) ret_why;
	return REDIS_TLS_ENDED;
}

RedisTlsStep
redis_tls_read(RedisTls *tls, void *octets, size_t size, size_t *ret_n, short *ret_events,
               char **ret_why)
{
	(void) tls, (void) octets, (void) size, (void) ret_n, (void) ret_events, (void) ret_why;
	return REDIS_TLS_ENDED;
}

RedisTlsStep
redis_tls_write(RedisTls *tls, const void *octets, size_t n, size_t *ret_n, short *ret_events,
                char **ret_why)
{
	(void) tls, (void) octets, (void) n, (void) ret_n, (void) ret_events, (void) ret_why;
	return REDIS_TLS_ENDED;
}

#endif
