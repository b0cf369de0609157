#include "script_server_impl.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/ssl.h>

#define FIRST_CAPACITY 256

void script_bytes_add(script_bytes *bytes, const void *data, size_t len)
{
    if (bytes->len + len + 1 > bytes->capacity) {
        size_t capacity = bytes->capacity > 0 ? bytes->capacity : FIRST_CAPACITY;
        while (capacity < bytes->len + len + 1) {
            capacity *= 2;
        }
        bytes->data = realloc(bytes->data, capacity);
        bytes->capacity = capacity;
        if (bytes->data == NULL) {
            abort();
        }
    }
    if (len > 0) {
        memcpy(bytes->data + bytes->len, data, len);
    }
    bytes->len += len;
    bytes->data[bytes->len] = '\0';
}

void script_bytes_text(script_bytes *bytes, const char *text)
{
    script_bytes_add(bytes, text, strlen(text));
}

/* False if nothing arrives in the time that an idle connection has. */
static bool wait_readable(const script_connection *connection)
{
    const unsigned idle_ms = connection->server->options.idle_ms;
    struct pollfd ready = {.fd = connection->fd, .events = POLLIN};

    if (connection->ssl != NULL && SSL_pending(connection->ssl) > 0) {
        return true;
    }
    return poll(&ready, 1, idle_ms > 0 ? (int)idle_ms : -1) == 1;
}

ssize_t script_io_read(script_connection *connection, void *data, size_t size)
{
    if (connection->fd < 0 || !wait_readable(connection)) {
        return -1;
    }
    if (connection->ssl != NULL) {
        size_t got = 0;
        return SSL_read_ex(connection->ssl, data, size, &got) == 1 ? (ssize_t)got : -1;
    }
    ssize_t got = -1;
    do {
        got = recv(connection->fd, data, size, 0);
    } while (got < 0 && errno == EINTR);
    return got;
}

bool script_io_write(script_connection *connection, const void *data, size_t len)
{
    const char *at = data;

    while (len > 0 && connection->fd >= 0) {
        size_t done = 0;
        if (connection->ssl != NULL) {
            if (SSL_write_ex(connection->ssl, at, len, &done) != 1) {
                return false;
            }
        } else {
            const ssize_t sent = send(connection->fd, at, len, MSG_NOSIGNAL);
            if (sent < 0 && errno != EINTR) {
                return false;
            }
            done = sent > 0 ? (size_t)sent : 0;
        }
        at += done;
        len -= done;
    }
    return len == 0;
}

bool script_io_sleep(script_connection *connection, unsigned ms)
{
    struct pollfd ended = {.fd = connection->fd, .events = POLLRDHUP};

    return ms == 0 || poll(&ended, 1, (int)ms) == 0;
}

void script_io_linger(script_connection *connection, bool drain)
{
    struct pollfd ended = {.fd = connection->fd, .events = POLLRDHUP};

    if (!drain) {
        (void)poll(&ended, 1, -1);
        return;
    }
    while (recv(connection->fd, connection->input, SCRIPT_INPUT_BYTES, 0) > 0) {
    }
}

void script_io_close(script_connection *connection, bool reset)
{
    if (connection->fd < 0) {
        return;
    }
    if (connection->ssl != NULL) {
        if (!reset) {
            (void)SSL_shutdown(connection->ssl);
        }
        SSL_free(connection->ssl);
        connection->ssl = NULL;
    }
    if (reset) {
        const struct linger now = {.l_onoff = 1, .l_linger = 0};
        (void)setsockopt(connection->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    }
    pthread_mutex_lock(&connection->server->lock);
    (void)close(connection->fd);
    connection->fd = -1;
    pthread_mutex_unlock(&connection->server->lock);
}
