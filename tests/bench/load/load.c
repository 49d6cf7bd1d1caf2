/*
 * HTTP/1.1 load on 127.0.0.1 over kept connections, from one thread. Bodies are counted and dropped in the kernel (MSG_TRUNC), so that
 * the client stays far cheaper than any server that it measures.
 *
 *   load flood   PORT SECONDS CONNECTIONS FILE   every connection asks again as soon as it was answered
 *   load viewers PORT SECONDS SEGMENT_MS  FILE   every line is a viewer who needs the next of its targets each SEGMENT_MS
 *
 * FILE, flood: one `target[<tab>range]` a line. FILE, viewers: the targets of one viewer a line, separated by blanks.
 * Prints one line of JSON. `late` counts segments that were complete, or would have been, after their deadline.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define HEAD_BYTES 8192
#define MAX_TARGETS 65536
#define MAX_LATENCIES (1 << 20)

struct viewer {
  char **targets;
  int count, next;
  int64_t due, deadline;
};

struct connection {
  int fd, busy;
  int64_t asked_at;
  size_t head_length;
  int64_t body_left;
  int in_body;
  char head[HEAD_BYTES + 1];
  struct viewer *viewer;
};

static int port, paced;
static int64_t segment_ns, started_at, ends_at;
static char *targets[MAX_TARGETS];
static int target_count, next_target;
static int64_t answers, bytes, refused, broken, late;
static int64_t *latencies;
static int latency_count;

static int64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void die(const char *what) {
  perror(what);
  exit(2);
}

static int connect_to_server(int epoll, struct connection *c) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int one = 1;
  c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&address, sizeof address) < 0) die("connect");
  setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &event) < 0) die("epoll_ctl");
  return c->fd;
}

static void ask(struct connection *c, const char *line) {
  char request[8192];
  const char *tab = strchr(line, '\t');
  int target_length = tab ? (int)(tab - line) : (int)strlen(line);
  int length = snprintf(request, sizeof request, "GET %.*s HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: load\r\n%s%s%s\r\n",
                        target_length, line, tab ? "Range: " : "", tab ? tab + 1 : "", tab ? "\r\n" : "");
  c->busy = 1;
  c->in_body = 0;
  c->head_length = 0;
  c->asked_at = now_ns();
  if (send(c->fd, request, length, MSG_NOSIGNAL) != length) broken++;
}

static void ask_next(struct connection *c) {
  if (paced) {
    struct viewer *v = c->viewer;
    v->deadline = v->due + segment_ns;
    v->due = v->deadline;
    ask(c, v->targets[v->next]);
    v->next = (v->next + 1) % v->count;
  } else {
    ask(c, targets[next_target]);
    next_target = (next_target + 1) % target_count;
  }
}

static void complete(struct connection *c) {
  int64_t at = now_ns();
  c->busy = 0;
  answers++;
  if (latency_count < MAX_LATENCIES) latencies[latency_count++] = at - c->asked_at;
  if (paced) {
    if (at > c->viewer->deadline) late++;
  } else if (at < ends_at) {
    ask_next(c);
  }
}

/* The head is in the buffer as a whole: reads the status and what follows. */
static int read_head(struct connection *c, char *end) {
  int status = atoi(c->head + 9);
  char *field = strcasestr(c->head, "\r\ncontent-length:");
  if (field == NULL || field > end) return -1;
  if (status != 200 && status != 206) refused++;
  c->body_left = atoll(field + 17) - (int64_t)(c->head + c->head_length - (end + 4));
  bytes += c->head + c->head_length - (end + 4);
  c->in_body = 1;
  return 0;
}

/* 0: nothing more to read now; 1: read on; -1: the connection is of no use any more. */
static int read_some(struct connection *c) {
  if (!c->in_body) {
    ssize_t got = recv(c->fd, c->head + c->head_length, HEAD_BYTES - c->head_length, MSG_DONTWAIT);
    if (got <= 0) return got < 0 && errno == EAGAIN ? 0 : -1;
    c->head_length += got;
    c->head[c->head_length] = 0;
    char *end = strstr(c->head, "\r\n\r\n");
    if (end == NULL) return c->head_length == HEAD_BYTES ? -1 : 1;
    if (read_head(c, end) < 0) return -1;
  } else {
    ssize_t got = recv(c->fd, NULL, c->body_left < (1 << 24) ? c->body_left : (1 << 24), MSG_DONTWAIT | MSG_TRUNC);
    if (got <= 0) return got < 0 && errno == EAGAIN ? 0 : -1;
    bytes += got;
    c->body_left -= got;
  }
  if (c->in_body && c->body_left <= 0) {
    complete(c);
    return 0;
  }
  /* One read took all there was, as a rule: asking once more would only cost a call. */
  return 0;
}

static char **read_lines(const char *name, int *count) {
  FILE *file = fopen(name, "r");
  if (file == NULL) die(name);
  char **lines = malloc(MAX_TARGETS * sizeof *lines), *line = NULL;
  size_t size = 0;
  ssize_t length;
  *count = 0;
  while ((length = getline(&line, &size, file)) > 0 && *count < MAX_TARGETS) {
    if (line[length - 1] == '\n') line[length - 1] = 0;
    lines[(*count)++] = strdup(line);
  }
  fclose(file);
  return lines;
}

static struct viewer *make_viewer(char *line) {
  struct viewer *v = calloc(1, sizeof *v);
  v->targets = malloc(MAX_TARGETS / 64 * sizeof *v->targets);
  for (char *target = strtok(line, " "); target && v->count < MAX_TARGETS / 64; target = strtok(NULL, " ")) v->targets[v->count++] = target;
  v->next = rand() % v->count;
  v->due = started_at + (int64_t)((double)rand() / RAND_MAX * segment_ns);
  return v;
}

static int by_size(const void *a, const void *b) {
  int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return x < y ? -1 : x > y;
}

static double percentile_ms(double share) {
  return latency_count == 0 ? 0 : latencies[(int)((latency_count - 1) * share)] / 1e6;
}

static void report(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  double cpu = usage.ru_utime.tv_sec + usage.ru_stime.tv_sec + (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
  qsort(latencies, latency_count, sizeof *latencies, by_size);
  printf("{\"answers\":%lld,\"bytes\":%lld,\"refused\":%lld,\"broken\":%lld,\"late\":%lld,\"seconds\":%.3f,\"cpuSeconds\":%.3f,\"p50Ms\":%.2f,\"p99Ms\":%.2f,\"maxMs\":%.2f}\n",
         (long long)answers, (long long)bytes, (long long)refused, (long long)broken, (long long)late, (now_ns() - started_at) / 1e9, cpu,
         percentile_ms(0.5), percentile_ms(0.99), percentile_ms(1));
}

int main(int argc, char **argv) {
  if (argc != 6) {
    fprintf(stderr, "usage: load flood|viewers PORT SECONDS CONNECTIONS|SEGMENT_MS FILE\n");
    return 2;
  }
  paced = strcmp(argv[1], "viewers") == 0;
  port = atoi(argv[2]);
  double seconds = atof(argv[3]);
  int line_count;
  char **lines = read_lines(argv[5], &line_count);
  if (line_count == 0) return 2;
  segment_ns = paced ? atoll(argv[4]) * 1000000LL : 0;
  int connection_count = paced ? line_count : atoi(argv[4]);
  struct connection *connections = calloc(connection_count, sizeof *connections);
  latencies = malloc(MAX_LATENCIES * sizeof *latencies);
  int epoll = epoll_create1(EPOLL_CLOEXEC);
  srand(1);
  for (int i = 0; i < connection_count; i++) connect_to_server(epoll, &connections[i]);
  started_at = now_ns();
  ends_at = started_at + (int64_t)(seconds * 1e9);
  if (paced) {
    for (int i = 0; i < connection_count; i++) connections[i].viewer = make_viewer(lines[i]);
  } else {
    memcpy(targets, lines, line_count * sizeof *lines);
    target_count = line_count;
    for (int i = 0; i < connection_count; i++) ask_next(&connections[i]);
  }

  struct epoll_event events[256];
  int64_t looked_at = 0;
  for (;;) {
    int ready = epoll_wait(epoll, events, 256, paced ? 1 : 100);
    for (int i = 0; i < ready; i++) {
      struct connection *c = events[i].data.ptr;
      int state;
      while ((state = read_some(c)) > 0) {
      }
      if (state < 0) {
        broken++;
        close(c->fd);
        connect_to_server(epoll, c);
        c->busy = 0;
        if (!paced && now_ns() < ends_at) ask_next(c);
      }
    }
    int64_t at = now_ns();
    if (at >= ends_at) break;
    if (paced && at - looked_at > 1000000) {
      looked_at = at;
      for (int i = 0; i < connection_count; i++)
        if (!connections[i].busy && connections[i].viewer->due <= at) ask_next(&connections[i]);
    }
  }
  /* Asked for, not there, and its deadline is over. */
  for (int i = 0; paced && i < connection_count; i++)
    if (connections[i].busy && connections[i].viewer->deadline < now_ns()) late++;
  report();
  return 0;
}
