/* The one load client of the bench: HTTP/1.1 on kept connections, requests written beforehand, every answer read and timed.

   client PLAN OUT SECONDS LINES HOST PORT [STREAMS HOST PORT]

   PLAN     for each request: u64 due (microseconds after the start; 0 = as soon as a line is free), u32 length, its bytes
   OUT      a line each: "r NUMBER DUE SENT DONE STATUS" for a request, "e STREAM AT LOOP" for an event of a stream that names a
            loop, "x STREAM AT" for a stream that ended; microseconds of the monotonic clock since the start, -1 = never
   SECONDS  after the last due moment, when whatever is still waited for is given up (status 0)
   LINES    most connections at once; open arrivals use as many as they need of them
   STREAMS  for each event stream: u32 length and the bytes of its request; all are open before the first request leaves

   A request that was due while all lines were busy is late from the moment it was due: nothing is omitted. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define HEAD 16384
#define CHUNK 65536
enum { IDLE, HEADERS, LENGTH, SIZE, DATA, CRLF, TRAILER, STREAM };

typedef struct { int64_t due, sent, done; uint32_t length; int status; char *bytes; } Request;
typedef struct { int fd, state, number, stream, status, close, got; int64_t left; char head[HEAD]; size_t held; } Line;

static Request *asked; static long count, ended; static int64_t start; static int polled; static FILE *out;
static struct sockaddr_in web, live;

static int64_t now(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec * 1000000LL + t.tv_nsec / 1000; }
static void die(const char *what) { perror(what); exit(2); }

static char *whole(const char *path, size_t *size) {
  FILE *file = fopen(path, "rb"); struct stat told;
  if (!file || fstat(fileno(file), &told)) die(path);
  char *bytes = malloc(told.st_size + 1);
  if (!bytes || fread(bytes, 1, told.st_size, file) != (size_t)told.st_size) die(path);
  fclose(file); *size = told.st_size; return bytes;
}

/* Each line comes from an address of its own, as each desk does: 127.0.1.1, 127.0.1.2 ... */
static int opened(struct sockaddr_in *to, int number) {
  int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
  if (fd < 0) die("socket");
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if ((ntohl(to->sin_addr.s_addr) >> 24) == 127) {
    struct sockaddr_in from = {.sin_family = AF_INET};
    from.sin_addr.s_addr = htonl(0x7f000101u + number % 250 + (number / 250) * 256);
    setsockopt(fd, IPPROTO_IP, 24 /* IP_BIND_ADDRESS_NO_PORT */, &on, sizeof on);
    bind(fd, (struct sockaddr *)&from, sizeof from);
  }
  if (connect(fd, (struct sockaddr *)to, sizeof *to)) { close(fd); return -1; }
  fcntl(fd, F_SETFL, O_NONBLOCK);
  return fd;
}

static int give(int fd, const char *bytes, size_t size) {
  while (size) {
    ssize_t n = send(fd, bytes, size, MSG_NOSIGNAL);
    if (n < 0 && errno == EAGAIN) { struct pollfd p = {fd, POLLOUT, 0}; if (poll(&p, 1, 5000) < 1) return -1; continue; }
    if (n <= 0) return -1;
    bytes += n; size -= n;
  }
  return 0;
}

static void watched(Line *line) {
  struct epoll_event e = {.events = EPOLLIN, .data.ptr = line};
  if (epoll_ctl(polled, EPOLL_CTL_ADD, line->fd, &e)) die("epoll_ctl");
}

static void shut(Line *line) { if (line->fd >= 0) close(line->fd); line->fd = -1; line->state = IDLE; line->held = 0; }

static void finish(Line *line, int status) {
  Request *one = &asked[line->number];
  one->done = now() - start; one->status = status; ended++;
  line->state = IDLE; line->held = 0;
  if (line->close || !status) shut(line);
}

static void ask(Line *line, int number) {
  Request *one = &asked[number];
  line->number = number; line->state = HEADERS; line->held = 0; line->close = line->got = 0; line->status = 0;
  one->sent = now() - start;
  for (int tries = 0; tries < 2; tries++) {
    if (line->fd < 0 && (line->fd = opened(&web, line->stream)) >= 0) watched(line);
    if (line->fd >= 0 && !give(line->fd, one->bytes, one->length)) return;
    if (line->fd >= 0) close(line->fd);
    line->fd = -1;
  }
  finish(line, 0);
}

static void heads(Line *line) {
  char *end = line->head + line->held; line->head[line->held] = 0;
  line->status = atoi(line->head + 9);
  char *length = strcasestr(line->head, "\r\ncontent-length:");
  line->close = strcasestr(line->head, "\r\nconnection: close") != NULL;
  if (strcasestr(line->head, "\r\ntransfer-encoding: chunked")) line->state = SIZE, line->left = 0;
  else { line->left = length ? atoll(length + 17) : 0; line->state = LENGTH; }
  (void)end; line->held = 0;
}

/* Reads the answer on; what is in it is counted, not kept. */
static void take(Line *line, const char *at, ssize_t n) {
  while (n > 0) switch (line->state) {
    case HEADERS:
      if (line->held + 1 >= HEAD) { finish(line, 0); return; }
      line->head[line->held++] = *at++; n--;
      if (line->held >= 4 && !memcmp(line->head + line->held - 4, "\r\n\r\n", 4)) {
        heads(line);
        if (line->state == LENGTH && !line->left) { finish(line, line->status); return; }
      }
      break;
    case LENGTH: case DATA: {
      int64_t part = n < line->left ? n : line->left;
      at += part; n -= part; line->left -= part;
      if (!line->left && line->state == LENGTH) { finish(line, line->status); return; }
      if (!line->left) line->state = CRLF, line->left = 2;
      break; }
    case CRLF: at++; n--; if (!--line->left) line->state = SIZE; break;
    case SIZE:
      if (*at == '\n') { if (line->left) line->state = DATA; else line->state = TRAILER, line->left = 2; }
      else if (strchr("0123456789abcdefABCDEF", *at)) line->left = line->left * 16 + (*at <= '9' ? *at - '0' : (*at | 32) - 'a' + 10);
      at++; n--; break;
    case TRAILER: at++; n--; if (!--line->left) { finish(line, line->status); return; } break;
    default: return; /* nobody asked */
  }
}

static void hear(Line *line, const char *at, ssize_t n) {
  static const char sign[] = "\"loop\": \"";
  line->got = 1;
  for (ssize_t i = 0; i < n; i++) {
    if (line->held == HEAD - 1) line->held = 0;
    line->head[line->held++] = at[i];
    if (at[i] != '\n') continue;
    line->head[line->held] = 0;
    char *loop = strstr(line->head, sign);
    if (loop) fprintf(out, "e %d %lld %.36s\n", line->stream, (long long)(now() - start), loop + sizeof sign - 1);
    line->held = 0;
  }
}

static void readable(Line *line) {
  static char bytes[CHUNK];
  for (;;) {
    ssize_t n = recv(line->fd, bytes, CHUNK, 0);
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0 && line->state == STREAM) { fprintf(out, "x %d %lld\n", line->stream, (long long)(now() - start)); shut(line); return; }
    if (n <= 0) { int busy = line->state != IDLE; shut(line); if (busy) { line->state = HEADERS; finish(line, 0); } return; }
    if (line->state == STREAM) hear(line, bytes, n); else take(line, bytes, n);
    if (line->fd < 0 || n < CHUNK) return;
  }
}

static struct sockaddr_in place(const char *host, const char *port) {
  struct sockaddr_in found = {.sin_family = AF_INET, .sin_port = htons(atoi(port))};
  if (inet_pton(AF_INET, host, &found.sin_addr) != 1) die(host);
  return found;
}

static void waited(int64_t microseconds) {
  struct epoll_event found[256]; struct timespec t = {microseconds / 1000000, microseconds % 1000000 * 1000};
  int n = epoll_pwait2(polled, found, 256, microseconds < 0 ? NULL : &t, NULL);
  for (int i = 0; i < n; i++) { Line *line = found[i].data.ptr; if (line->fd >= 0) readable(line); }
}

static int listening(const char *path) {
  size_t size; char *bytes = whole(path, &size), *at = bytes; int n = 0, up = 0; Line **all = NULL;
  while (at < bytes + size) {
    uint32_t length; memcpy(&length, at, 4);
    Line *line = calloc(1, sizeof *line); line->stream = n; line->state = STREAM;
    if ((line->fd = opened(&live, n)) < 0 || give(line->fd, at + 4, length)) die("a stream");
    watched(line); at += 4 + length; all = realloc(all, ++n * sizeof *all); all[n - 1] = line;
    if (n % 10 == 0) waited(20000);
  }
  for (int64_t until = now() + 60000000; up < n && now() < until;) { waited(100000); up = 0; for (int i = 0; i < n; i++) up += all[i]->got; }
  return up;
}

int main(int argc, char **argv) {
  if (argc != 7 && argc != 10) { fprintf(stderr, "client PLAN OUT SECONDS LINES HOST PORT [STREAMS HOST PORT]\n"); return 2; }
  struct rlimit most = {65536, 65536}; setrlimit(RLIMIT_NOFILE, &most);
  size_t size; char *bytes = whole(argv[1], &size), *at = bytes;
  if (!(out = fopen(argv[2], "w"))) die(argv[2]);
  for (; at < bytes + size; at += 12 + asked[count - 1].length) {
    asked = realloc(asked, ++count * sizeof *asked);
    Request *one = &asked[count - 1]; *one = (Request){.sent = -1, .done = -1, .bytes = at + 12};
    memcpy(&one->due, at, 8); memcpy(&one->length, at + 8, 4);
  }
  polled = epoll_create1(0); web = place(argv[5], argv[6]); start = now();
  if (argc == 10) { live = place(argv[8], argv[9]); fprintf(out, "s %d\n", listening(argv[7])); }
  int lines = atoi(argv[4]); Line *all = calloc(lines, sizeof *all);
  for (int i = 0; i < lines; i++) all[i].fd = -1, all[i].stream = i;
  int64_t last = (count ? asked[count - 1].due : 0), patience = atoll(argv[3]) * 1000000LL; start = now();
  fprintf(out, "b %lld\n", (long long)start);
  for (long next = 0; ended < count && now() - start < last + patience;) {
    for (int i = 0; i < lines && next < count && asked[next].due <= now() - start; i++)
      if (all[i].state == IDLE) ask(&all[i], next++);
    int64_t until = next < count ? asked[next].due - (now() - start) : 1000000;
    waited(until > 0 ? (until < 1000000 ? until : 1000000) : 1000000 * (ended < count && until <= 0));
  }
  if (argc == 10) for (int64_t until = now() + 2000000; now() < until;) waited(100000);
  for (long i = 0; i < count; i++)
    fprintf(out, "r %ld %lld %lld %lld %d\n", i, (long long)asked[i].due, (long long)asked[i].sent, (long long)asked[i].done, asked[i].status);
  struct rusage used; getrusage(RUSAGE_SELF, &used);
  fprintf(out, "u %lld\n", (long long)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000000 + used.ru_utime.tv_usec + used.ru_stime.tv_usec);
  return fclose(out) ? 2 : 0;
}
