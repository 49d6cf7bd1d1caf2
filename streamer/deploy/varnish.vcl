vcl 4.1;

# Varnish in front of the streamers: only segments are cached, and each hit is authorised by a streamer first.
# It needs a TLS terminator in front (HAProxy, hitch) that speaks the PROXY protocol to it, and varnishd started with
#   -a 127.0.0.1:6081,PROXY -p vsl_mask=-ReqURL,-BereqURL,-ReqHeader,-BereqHeader,-RespHeader,-BerespHeader,-ReqUnset,\
#   -BereqUnset,-RespUnset,-BerespUnset,-ObjHeader,-HttpGarbage,-BogoHeader,-LostHeader
# because addresses are credentials and varnishlog would show them. Strapi is not led through here.
#
# Change: the addresses below.
# Streamers:  PROTECTED_VOD_TRUSTED_PROXIES=127.0.0.1      (where this Varnish connects from)
#             PROTECTED_VOD_EDGE=true
#             no PROTECTED_VOD_ACCEL_PREFIX: Varnish would not follow it
#
# How: the viewer's request becomes GET /edge/authorize with X-Original-URI (pass, never cached). 204 names the segment, which is
# the cache's key, and the request starts again. Anything else is asked of the streamer itself, so that its refusal is sent.
# What is cached is named by its content, so it is the same for all viewers. A segment that Varnish has to fetch is counted twice
# in its viewer's pace.
# Playlists are passed. Long answers are piped, one request a connection: passed ones Varnish would take in as fast as the
# streamer sends, and play on to a slow reader after the end of the session. WebSocket is refused: its connection cannot be
# bound to one request. Lead it past Varnish in the TLS terminator, or let players use HTTP-FLV.

import directors;

probe streamer {
  # Without a credential the answer is 401, from a streamer that lives.
  .request = "GET /v/ HTTP/1.1" "Host: probe" "Connection: close";
  .expected_response = 401;
  .interval = 1s;
  .timeout = 1s;
  .window = 3;
  .threshold = 2;
  .initial = 2;
}

backend s1 { .host = "127.0.0.1"; .port = "8081"; .probe = streamer; }
backend s2 { .host = "127.0.0.1"; .port = "8082"; .probe = streamer; }
backend s3 { .host = "127.0.0.1"; .port = "8083"; .probe = streamer; }

sub vcl_init {
  new streamers = directors.round_robin();
  streamers.add_backend(s1);
  streamers.add_backend(s2);
  streamers.add_backend(s3);
}

sub vcl_recv {
  set req.backend_hint = streamers.backend();
  if (req.restarts > 0) {
    if (req.http.X-Vod-Segment) { return (hash); }
    return (pass);
  }

  # Varnish has already appended the viewer's address to X-Forwarded-For. What it decides by must not come from outside.
  unset req.http.X-Vod-Segment;
  unset req.http.X-Vod-Origin-Url;
  unset req.http.X-Vod-Allow-Origin;
  unset req.http.X-Original-URI;
  unset req.http.Cookie;
  unset req.http.Authorization;

  if (req.url !~ "^/v/") { return (synth(404)); }
  if (req.http.Upgrade) { return (synth(501)); }
  if (req.method == "GET" && req.url ~ "^/v/ps_[A-Za-z0-9_-]{40}/(hls|dash)/[a-z0-9]{1,16}-[va][0-9]{1,2}/[0-9]{1,7}\.m4s$") {
    set req.http.X-Original-URI = req.url;
    set req.url = "/edge/authorize";
  }
  if (req.url ~ "^/v/[^/]+/(mp4|download|live\.flv)(\?|$)") { return (pipe); }
  return (pass);
}

sub vcl_pipe {
  # What follows on this connection would reach the streamer unseen, with whatever X-Forwarded-For it likes.
  set bereq.http.Connection = "close";
  return (pipe);
}

sub vcl_hash {
  if (req.http.X-Vod-Segment) {
    hash_data(req.http.X-Vod-Segment);
    return (lookup);
  }
}

# A streamer that went away between two probes costs nobody an answer.
sub vcl_backend_fetch {
  if (bereq.retries > 0) { set bereq.backend = streamers.backend(); }
}

sub vcl_backend_response {
  if (bereq.http.X-Vod-Segment && beresp.status == 200) {
    set beresp.ttl = 1h;
    set beresp.grace = 0s;
    # These depend on who asks, and are put on at delivery.
    unset beresp.http.Vary;
    unset beresp.http.Access-Control-Allow-Origin;
    unset beresp.http.Access-Control-Expose-Headers;
  } else {
    set beresp.uncacheable = true;
    set beresp.ttl = 0s;
  }
  return (deliver);
}

sub vcl_deliver {
  if (req.url == "/edge/authorize") {
    set req.url = req.http.X-Original-URI;
    unset req.http.X-Original-URI;
    if (resp.status == 204) {
      set req.http.X-Vod-Segment = resp.http.X-Protected-Vod-Segment;
      if (resp.http.Access-Control-Allow-Origin) {
        set req.http.X-Vod-Allow-Origin = resp.http.Access-Control-Allow-Origin;
        set req.http.X-Vod-Expose-Headers = resp.http.Access-Control-Expose-Headers;
      }
    }
    return (restart);
  }
  if (req.http.X-Vod-Segment) {
    set resp.http.Vary = "Origin";
    if (req.http.X-Vod-Allow-Origin) {
      set resp.http.Access-Control-Allow-Origin = req.http.X-Vod-Allow-Origin;
      set resp.http.Access-Control-Expose-Headers = req.http.X-Vod-Expose-Headers;
    }
  }
  unset resp.http.X-Varnish;
  unset resp.http.Via;
  unset resp.http.Age;
}

# As bare as the streamer's own; the built-in page would show the transaction.
sub vcl_synth {
  set resp.http.Content-Type = "text/plain; charset=utf-8";
  set resp.http.Cache-Control = "private, no-store";
  synthetic("");
  return (deliver);
}

sub vcl_backend_error {
  if (bereq.retries < 2) { return (retry); }
  set beresp.http.Content-Type = "text/plain; charset=utf-8";
  set beresp.http.Cache-Control = "private, no-store";
  synthetic("");
  return (deliver);
}
