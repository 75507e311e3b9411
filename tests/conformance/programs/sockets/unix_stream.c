/* AF_UNIX streams by path and abstract name: bind, listen, accept, names, errors. */
#include "check.h"
#include <sys/socket.h>
#include <sys/un.h>
static struct sockaddr_un address = {AF_UNIX, "server"};
static socklen_t length = sizeof(sa_family_t) + 7;
static void client(void)
{
    char room[16] = "";
    int s = socket(AF_UNIX, SOCK_STREAM, 0);
    SHOW(connect(s, (void *)&address, length));
    SHOW(write(s, "hello", 5));
    SHOW(read(s, room, 16));
    struct sockaddr_un peer;
    socklen_t n = sizeof peer;
    SHOW(getpeername(s, (void *)&peer, &n));
    SHOW(n);
}
static void serve(void)
{
    int s = socket(AF_UNIX, SOCK_STREAM, 0), c;
    SHOW(bind(s, (void *)&address, length));
    SHOW(listen(s, 5));
    pid_t pid = start_aside(client);
    struct sockaddr_un peer;
    socklen_t n = sizeof peer;
    OK(c = accept(s, (void *)&peer, &n));
    SHOW(n);
    SHOW(peer.sun_family);
    char room[16] = "";
    SHOW(read(c, room, 16));
    TEXT(room);
    SHOW(write(c, "bye", 3));
    reap_aside("client", pid);
    n = sizeof peer;
    SHOW(getsockname(c, (void *)&peer, &n));
    SHOW(n);
    SHOW(read(c, room, 16));
}
int main(void)
{
    serve();
    int s = socket(AF_UNIX, SOCK_STREAM, 0);
    SHOW(bind(s, (void *)&address, length));
    SHOW(connect(s, (void *)&address, length));
    struct stat st;
    SHOW(stat("server", &st));
    IS(S_ISSOCK(st.st_mode));
    memcpy(address.sun_path, "\0hidden", 7);
    serve();
    SHOW(connect(s, (void *)&address, length));
    struct sockaddr_un automatic = {AF_UNIX, ""};
    SHOW(bind(s, (void *)&automatic, sizeof(sa_family_t)));
    socklen_t n = sizeof automatic;
    SHOW(getsockname(s, (void *)&automatic, &n));
    SHOW(n);
    SHOW(bind(s, (void *)&automatic, n));
    strcpy(address.sun_path, "missing/place");
    SHOW(bind(socket(AF_UNIX, SOCK_STREAM, 0), (void *)&address, sizeof address));
    SHOW(connect(socket(AF_UNIX, SOCK_STREAM, 0), (void *)&address, sizeof address));
    SHOW(connect(socket(AF_UNIX, SOCK_STREAM, 0), (void *)&address, 1));
    SHOW(connect(socket(AF_UNIX, SOCK_STREAM, 0), BAD, 20));
    SHOW(bind(socket(AF_UNIX, SOCK_STREAM, 0), (void *)&address, 500));
    SHOW(accept(s, NULL, NULL));
    SHOW(listen(0, 5));
    SHOW(listen(-1, 5));
    return 0;
}
