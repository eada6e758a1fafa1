/* A service whose truth is known: HTTP/1.1 keep-alive, one thread, a small JSON answer.
 *
 *   truth LOG MEDIAN_SECONDS SIGMA SEED STALL_AT STALL_SECONDS
 *
 * MEDIAN_SECONDS 0: every request is answered at once, and only counted. Otherwise each request waits for a delay drawn
 * from a seeded log-normal distribution (median, sigma of the logarithm), whatever the other requests do, and is logged.
 * STALL_SECONDS after 0: STALL_AT seconds after the first request nothing is read or answered for so long.
 * Prints "port N". Ends on SIGTERM, then writes LOG: doubles in the order of `struct head`, the counts of requests in
 * each 10 ms since the first one, then `struct entry` for each request in the order of arrival. Times are CLOCK_MONOTONIC.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { CONNECTIONS = 65536, ROOM = 8192, EVENTS = 512, BUCKETS = 60000 };
static const double BUCKET = 0.01;
static const char BODY[] = "{\"model\":\"click-scorer\",\"version\":7,\"score\":0.4321}";

struct connection { char *data; uint32_t held, generation; };
struct entry { double arrival, planned, written; };
struct due { double at; uint32_t index, fd, generation; };
struct head { double received, answered, first, stall_begin, stall_end, buckets, entries; };

static struct connection connections[CONNECTIONS];
static struct entry *entries;
static struct due *heap;
static size_t entry_room, heap_room, heap_length;
static double buckets[BUCKETS];
static struct head head;
static double median, sigma, stall_at, stall_for;
static uint64_t state;
static char answer[512], last[ROOM];
static size_t answer_length, last_length;
static int polling;
static volatile sig_atomic_t stopping;

static void stop(int number) { (void)number; stopping = 1; }

static void die(const char *what) { perror(what); exit(2); }

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Uniform in (0, 1): SplitMix64 (Steele, Lea, Flood 2014). */
static double uniform(void) {
    uint64_t z = (state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return ((double)((z ^ (z >> 31)) >> 11) + 0.5) / 9007199254740992.0;
}

/* The normal deviate is Box and Muller's (1958). */
static double delay(void) {
    double radius = sqrt(-2.0 * log(uniform()));
    return median * exp(sigma * radius * cos(2.0 * M_PI * uniform()));
}

static void *grown(void *old, size_t *room, size_t size) {
    *room = *room ? 2 * *room : 4096;
    void *more = realloc(old, *room * size);
    if (!more) die("realloc");
    return more;
}

static void push(struct due item) {
    if (heap_length == heap_room) heap = grown(heap, &heap_room, sizeof *heap);
    size_t at = heap_length++;
    for (; at && heap[(at - 1) / 2].at > item.at; at = (at - 1) / 2) heap[at] = heap[(at - 1) / 2];
    heap[at] = item;
}

static struct due pop(void) {
    struct due top = heap[0], item = heap[--heap_length];
    size_t at = 0;
    for (size_t child; (child = 2 * at + 1) < heap_length; at = child) {
        if (child + 1 < heap_length && heap[child + 1].at < heap[child].at) child++;
        if (heap[child].at >= item.at) break;
        heap[at] = heap[child];
    }
    heap[at] = item;
    return top;
}

static void hang_up(int fd) {
    connections[fd].generation++;
    connections[fd].held = 0;
    close(fd);
}

static int reply(int fd) {
    if (send(fd, answer, answer_length, MSG_NOSIGNAL) == (ssize_t)answer_length) {
        head.answered++;
        return 1;
    }
    hang_up(fd); /* the peer has gone, or reads nothing: then it gets nothing */
    return 0;
}

/* One whole request has arrived. */
static int serve(int fd, double arrival) {
    if (!head.received++) {
        head.first = arrival;
        if (stall_for > 0) {
            head.stall_begin = arrival + stall_at;
            head.stall_end = head.stall_begin + stall_for;
        }
    }
    size_t bucket = (size_t)((arrival - head.first) / BUCKET);
    if (bucket < BUCKETS) buckets[bucket]++;
    if (median <= 0) return reply(fd);
    if ((size_t)head.entries == entry_room) entries = grown(entries, &entry_room, sizeof *entries);
    struct due item = {arrival + delay(), (uint32_t)head.entries, (uint32_t)fd, connections[fd].generation};
    entries[(size_t)head.entries++] = (struct entry){arrival, item.at, 0.0};
    push(item);
    return 1;
}

/* Bytes of the request at the begin of `data`; 0: not whole yet, -1: not one that is served here. */
static ssize_t request_length(char *data, size_t held) {
    char *end = memmem(data, held, "\r\n\r\n", 4);
    if (!end) return held < ROOM ? 0 : -1;
    size_t body = 0;
    for (char *line = data; line < end; line = (char *)memchr(line, '\n', (size_t)(end + 2 - line)) + 1) {
        if (!strncasecmp(line, "content-length:", 15)) body = strtoul(line + 15, NULL, 10);
        if (!strncasecmp(line, "transfer-encoding:", 18)) return -1;
    }
    size_t whole = (size_t)(end + 4 - data) + body;
    if (body > ROOM || whole > ROOM) return -1;
    return whole <= held ? (ssize_t)whole : 0;
}

static void readable(int fd) {
    struct connection *c = &connections[fd];
    ssize_t got = recv(fd, c->data + c->held, ROOM - c->held, 0);
    if (got <= 0) {
        if (!(got < 0 && errno == EAGAIN)) hang_up(fd);
        return;
    }
    double arrival = now();
    if (!c->held && (size_t)got == last_length && !memcmp(c->data, last, last_length)) {
        serve(fd, arrival); /* the same bytes as the request before */
        return;
    }
    c->held += (uint32_t)got;
    while (c->held) {
        c->data[c->held] = 0;
        ssize_t length = request_length(c->data, c->held);
        if (length < 0) { hang_up(fd); return; }
        if (!length) return;
        memcpy(last, c->data, last_length = (size_t)length);
        c->held -= (uint32_t)length;
        memmove(c->data, c->data + length, c->held);
        if (!serve(fd, arrival)) return;
    }
}

static void take_connections(int listener) {
    int fd, one = 1;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        if (fd >= CONNECTIONS) { close(fd); continue; }
        if (!connections[fd].data && !(connections[fd].data = malloc(ROOM + 1))) die("malloc");
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
        if (epoll_ctl(polling, EPOLL_CTL_ADD, fd, &event)) die("epoll_ctl");
    }
}

static void answer_due(void) {
    while (heap_length && heap[0].at <= now()) {
        struct due item = pop();
        if (connections[item.fd].generation == item.generation && reply((int)item.fd)) entries[item.index].written = now();
    }
}

/* Connections are accepted meanwhile, as by a service with a thread for that: hundreds of them accepted one after the
 * other at the end would prolong the stall by milliseconds that are not in the truth. */
static void stall(int listener) {
    stall_for = 0;
    for (double left; !stopping && (left = head.stall_end - now()) > 0;) {
        struct pollfd coming = {.fd = listener, .events = POLLIN};
        struct timespec wait = {(time_t)left, (long)((left - floor(left)) * 1e9)};
        if (ppoll(&coming, 1, &wait, NULL) > 0) take_connections(listener);
    }
    head.stall_end = now();
}

/* Wake up at the next delay's end, and at the begin of the stall. */
static void set_timer(int timer) {
    double at = heap_length ? heap[0].at : 0;
    if (stall_for > 0 && head.received && (!heap_length || head.stall_begin < at)) at = head.stall_begin;
    struct itimerspec spec = {.it_value = {(time_t)at, (long)((at - floor(at)) * 1e9)}};
    if (timerfd_settime(timer, TFD_TIMER_ABSTIME, &spec, NULL)) die("timerfd_settime");
}

static int listen_somewhere(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, size) || listen(listener, 4096)) die("listen");
    getsockname(listener, (struct sockaddr *)&address, &size);
    printf("port %d\n", ntohs(address.sin_port));
    fflush(stdout);
    return listener;
}

static void write_log(const char *path) {
    FILE *file = fopen(path, "wb");
    head.buckets = head.received ? ceil((now() - head.first) / BUCKET) : 0;
    if (head.buckets > BUCKETS) head.buckets = BUCKETS;
    if (!file || fwrite(&head, sizeof head, 1, file) != 1) die(path);
    fwrite(buckets, sizeof *buckets, (size_t)head.buckets, file);
    fwrite(entries, sizeof *entries, (size_t)head.entries, file);
    if (ferror(file) || fclose(file)) die(path);
}

static void watch(int fd) {
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    if (epoll_ctl(polling, EPOLL_CTL_ADD, fd, &event)) die("epoll_ctl");
}

int main(int count, char **words) {
    if (count != 7) { fprintf(stderr, "usage: truth LOG MEDIAN SIGMA SEED STALL_AT STALL_SECONDS\n"); return 2; }
    median = atof(words[2]), sigma = atof(words[3]), state = strtoull(words[4], NULL, 10);
    stall_at = atof(words[5]), stall_for = atof(words[6]);
    signal(SIGTERM, stop), signal(SIGINT, stop);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    prctl(PR_SET_TIMERSLACK, 1ul);
    answer_length = (size_t)snprintf(answer, sizeof answer,
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %zu\r\n\r\n%s", sizeof BODY - 1, BODY);
    polling = epoll_create1(EPOLL_CLOEXEC);
    int listener = listen_somewhere(), timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    watch(listener), watch(timer);
    struct epoll_event events[EVENTS];
    while (!stopping) {
        if (median > 0 || stall_for > 0) set_timer(timer);
        int ready = epoll_wait(polling, events, EVENTS, -1);
        if (stall_for > 0 && head.received && now() >= head.stall_begin) stall(listener);
        for (int i = 0; i < ready; i++) {
            if (events[i].data.fd == listener) take_connections(listener);
            else if (events[i].data.fd != timer) readable(events[i].data.fd);
            if (heap_length && !(i & 7)) answer_due();
        }
        answer_due();
    }
    write_log(words[1]);
    return 0;
}
