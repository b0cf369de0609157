#include "test.h"

#include "script_server_impl.h"

#include <stdio.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#define DAY_S 86400L

typedef struct identity {
    EVP_PKEY *key;
    X509 *certificate;
} identity;

static int add_extension(X509 *certificate, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;

    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    const int added = extension != NULL && X509_add_ext(certificate, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return added;
}

/* Signed by `issuer`, or by itself. `names` is a subjectAltName; NULL makes a CA. */
static int make_identity(identity *made, const identity *issuer, const char *names, long end_s)
{
    made->key = EVP_EC_gen("P-256");
    made->certificate = X509_new();
    if (made->key == NULL || made->certificate == NULL) {
        return 0;
    }
    const identity *signer = issuer != NULL ? issuer : made;
    const char *name = names != NULL ? "cairn test server" : "cairn test CA";
    X509_NAME *subject = X509_get_subject_name(made->certificate);
    return X509_set_version(made->certificate, X509_VERSION_3) == 1 &&
           ASN1_INTEGER_set(X509_get_serialNumber(made->certificate), names != NULL ? 2 : 1) == 1 &&
           X509_gmtime_adj(X509_getm_notBefore(made->certificate), -2 * DAY_S) != NULL &&
           X509_gmtime_adj(X509_getm_notAfter(made->certificate), end_s) != NULL &&
           X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1,
                                      -1, 0) == 1 &&
           X509_set_issuer_name(made->certificate, X509_get_subject_name(signer->certificate)) ==
               1 &&
           X509_set_pubkey(made->certificate, made->key) == 1 &&
           (names != NULL
                ? add_extension(made->certificate, signer->certificate, NID_subject_alt_name, names)
                : add_extension(made->certificate, signer->certificate, NID_basic_constraints,
                                "critical,CA:TRUE")) &&
           X509_sign(made->certificate, signer->key, EVP_sha256()) > 0;
}

static void identity_release(identity *made)
{
    EVP_PKEY_free(made->key);
    X509_free(made->certificate);
}

static int write_ca(const script_server *server, X509 *certificate)
{
    FILE *file = fopen(server->ca, "we");

    if (file == NULL) {
        return 0;
    }
    const int written = PEM_write_X509(file, certificate);
    return fclose(file) == 0 && written == 1;
}

static int make_context(script_server *server, const identity *own)
{
    const script_server_options *options = &server->options;

    server->tls = SSL_CTX_new(TLS_server_method());
    if (server->tls == NULL) {
        return 0;
    }
    /* Level 0, as TLS 1.0 is what some servers must offer here. */
    SSL_CTX_set_security_level(server->tls, 0);
    return SSL_CTX_set_min_proto_version(server->tls, options->tls_version_min != 0
                                                          ? options->tls_version_min
                                                          : TLS1_VERSION) == 1 &&
           SSL_CTX_set_max_proto_version(server->tls, options->tls_version_max) == 1 &&
           SSL_CTX_use_certificate(server->tls, own->certificate) == 1 &&
           SSL_CTX_use_PrivateKey(server->tls, own->key) == 1;
}

int script_tls_init(script_server *server)
{
    const script_server_options *options = &server->options;
    identity ca = {0};
    identity own = {0};
    char names[TMPDIR_ROOT_BYTES] = "DNS:localhost,IP:127.0.0.1";

    server->dir = tmpdir_new();
    if (server->dir == NULL) {
        return -1;
    }
    (void)tmpdir_join(server->dir, "ca.pem", server->ca);
    if (options->tls_host != NULL) {
        (void)snprintf(names, sizeof(names), "DNS:%s", options->tls_host);
    }
    const int made = make_identity(&ca, NULL, NULL, DAY_S) &&
                     make_identity(&own, &ca, names, options->tls_expired ? -DAY_S : DAY_S) &&
                     write_ca(server, ca.certificate) && make_context(server, &own);
    identity_release(&ca);
    identity_release(&own);
    if (!made) {
        print_error("script server: cannot make its certificates\n");
        return -1;
    }
    return 0;
}

void script_tls_release(script_server *server)
{
    SSL_CTX_free(server->tls);
}

SSL *script_tls_accept(const script_server *server, int fd)
{
    SSL *ssl = SSL_new(server->tls);

    if (ssl != NULL && SSL_set_fd(ssl, fd) == 1 && SSL_accept(ssl) == 1) {
        return ssl;
    }
    SSL_free(ssl);
    return NULL;
}
