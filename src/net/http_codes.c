#include "http_impl.h"

#include <string.h>

/*
 * One CURLcode for two things: a peer that broke the handshake off, and one with which no handshake
 * is possible. Only the second is a message of OpenSSL.
 */
static cairn_code code_of_handshake(const char *text)
{
    const bool is_openssl = strstr(text, "error:") != NULL;
    const bool is_passing = strstr(text, "unexpected eof") != NULL ||
                            strstr(text, "internal error") != NULL;

    return is_openssl && !is_passing ? CAIRN_E_ACCESS : CAIRN_E_UNAVAILABLE;
}

typedef struct http_code_row {
    CURLcode result;
    cairn_code code;
} http_code_row;

static const http_code_row rows[] = {
    {CURLE_UNSUPPORTED_PROTOCOL, CAIRN_E_UNAVAILABLE}, /* HTTP/0.9: our own URLs were checked */
    {CURLE_COULDNT_RESOLVE_PROXY, CAIRN_E_UNAVAILABLE},
    {CURLE_COULDNT_RESOLVE_HOST, CAIRN_E_UNAVAILABLE},
    {CURLE_COULDNT_CONNECT, CAIRN_E_UNAVAILABLE},
    {CURLE_WEIRD_SERVER_REPLY, CAIRN_E_UNAVAILABLE},
    {CURLE_PARTIAL_FILE, CAIRN_E_UNAVAILABLE},
    {CURLE_OPERATION_TIMEDOUT, CAIRN_E_UNAVAILABLE}, /* connect, low speed; a deadline is ours */
    {CURLE_GOT_NOTHING, CAIRN_E_UNAVAILABLE},
    {CURLE_SEND_ERROR, CAIRN_E_UNAVAILABLE},
    {CURLE_RECV_ERROR, CAIRN_E_UNAVAILABLE},
    {CURLE_NO_CONNECTION_AVAILABLE, CAIRN_E_UNAVAILABLE},
    {CURLE_PROXY, CAIRN_E_UNAVAILABLE},
    {CURLE_OUT_OF_MEMORY, CAIRN_E_UNAVAILABLE}, /* of a bound of libcurl's own: an endless header */
    {CURLE_SSL_ENGINE_NOTFOUND, CAIRN_E_ACCESS},
    {CURLE_SSL_ENGINE_SETFAILED, CAIRN_E_ACCESS},
    {CURLE_SSL_CERTPROBLEM, CAIRN_E_ACCESS},
    {CURLE_SSL_CIPHER, CAIRN_E_ACCESS},
    {CURLE_PEER_FAILED_VERIFICATION, CAIRN_E_ACCESS},
    {CURLE_USE_SSL_FAILED, CAIRN_E_ACCESS},
    {CURLE_LOGIN_DENIED, CAIRN_E_ACCESS},
    {CURLE_SSL_CACERT_BADFILE, CAIRN_E_ACCESS},
    {CURLE_SSL_CRL_BADFILE, CAIRN_E_ACCESS},
    {CURLE_SSL_ISSUER_ERROR, CAIRN_E_ACCESS},
    {CURLE_SSL_PINNEDPUBKEYNOTMATCH, CAIRN_E_ACCESS},
    {CURLE_SSL_INVALIDCERTSTATUS, CAIRN_E_ACCESS},
    {CURLE_AUTH_ERROR, CAIRN_E_ACCESS},
    {CURLE_SSL_CLIENTCERT, CAIRN_E_ACCESS},
    {CURLE_BAD_CONTENT_ENCODING, CAIRN_E_INTEGRITY},
    {CURLE_WRITE_ERROR, CAIRN_E_IO},
    {CURLE_READ_ERROR, CAIRN_E_IO},
    {CURLE_UNRECOVERABLE_POLL, CAIRN_E_IO},
    {CURLE_ABORTED_BY_CALLBACK, CAIRN_E_CANCELLED},
    {CURLE_FAILED_INIT, CAIRN_E_INTERNAL},
    {CURLE_URL_MALFORMAT, CAIRN_E_INTERNAL},
    {CURLE_NOT_BUILT_IN, CAIRN_E_INTERNAL},
    {CURLE_BAD_FUNCTION_ARGUMENT, CAIRN_E_INTERNAL},
    {CURLE_UNKNOWN_OPTION, CAIRN_E_INTERNAL},
    {CURLE_SEND_FAIL_REWIND, CAIRN_E_INTERNAL},
};

cairn_code http_code_of(CURLcode result, const char *text)
{
    if (result == CURLE_OK) {
        return CAIRN_OK;
    }
    if (result == CURLE_SSL_CONNECT_ERROR) {
        return code_of_handshake(text);
    }
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(rows); i++) {
        if (rows[i].result == result) {
            return rows[i].code;
        }
    }
    return CAIRN_E_FAILED;
}

bool http_is_vain_wait(CURLcode result)
{
    return result == CURLE_OPERATION_TIMEDOUT || result == CURLE_COULDNT_CONNECT ||
           result == CURLE_COULDNT_RESOLVE_HOST || result == CURLE_COULDNT_RESOLVE_PROXY;
}
