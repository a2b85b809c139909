/* A client of `foretype serve` in C, with libc only. Prints the reply, as JSON.
 *
 *   foretype serve --socket ~/.foretype.sock &
 *   cc -o client client.c && ./client ~/.foretype.sock "I would lik"
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static FILE *to_server, *from_server;

/* Connect to the server at `path`. Returns 0 if nobody listens there. */
static int connect_to(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int handle = socket(AF_UNIX, SOCK_STREAM, 0);
    if (handle < 0 || strlen(path) >= sizeof address.sun_path) return 0;
    strcpy(address.sun_path, path);
    if (connect(handle, (struct sockaddr *)&address, sizeof address) != 0) return 0;
    from_server = fdopen(handle, "r");
    to_server = fdopen(dup(handle), "w");
    return from_server && to_server;
}

/* Write `text` (UTF-8) as a JSON string. */
static void write_string(const char *text) {
    fputc('"', to_server);
    for (const unsigned char *byte = (const unsigned char *)text; *byte; byte++) {
        if (*byte == '"' || *byte == '\\') fprintf(to_server, "\\%c", *byte);
        else if (*byte < 0x20) fprintf(to_server, "\\u%04x", *byte);
        else fputc(*byte, to_server);
    }
    fputc('"', to_server);
}

/* Send what was written, and read the line that answers it. The caller frees it; NULL if the server ended. */
static char *answer(void) {
    char *line = NULL;
    size_t size = 0;
    fputc('\n', to_server);
    fflush(to_server);
    if (getline(&line, &size, from_server) > 0) return line;
    free(line);
    return NULL;
}

int main(int count, char **arguments) {
    if (count != 3) return fprintf(stderr, "usage: client SOCKET TEXT\n"), 2;
    if (!connect_to(arguments[1])) return fprintf(stderr, "%s: no server listens here\n", arguments[1]), 1;

    fputs("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"open\"}", to_server);
    char *opened = answer(), *found = opened ? strstr(opened, "\"field\":") : NULL;
    if (!found) return fprintf(stderr, "%s", opened ? opened : "the server ended\n"), 1;
    long field = strtol(found + strlen("\"field\":"), NULL, 10);
    free(opened);

    fprintf(to_server, "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"suggest\",\"params\":{\"field\":%ld,\"text\":", field);
    write_string(arguments[2]);
    fputs("}}", to_server);
    char *reply = answer();
    if (!reply) return fprintf(stderr, "the server ended\n"), 1;
    fputs(reply, stdout);
    free(reply);
    fclose(to_server);
    return fclose(from_server);
}
