const player = document.querySelector('#player');
const answer = document.querySelector('#answer');
const hint = document.querySelector('#try');
const password = document.querySelector('#password');
const buttons = [...document.querySelectorAll('button')];
const parameters = new URLSearchParams(location.hash.slice(1));
const video = parameters.get('video');
password.value = parameters.get('password') ?? '';

let hls;

function say(text, outcome = '') {
  answer.textContent = text;
  answer.dataset.outcome = outcome;
}

function stop() {
  hls?.destroy();
  hls = undefined;
  player.removeAttribute('src');
  player.hidden = true;
  hint.hidden = true;
}

async function signIn(identifier) {
  const response = await fetch('/api/auth/local', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ identifier, password: password.value }),
  });
  if (response.status === 429) throw new Error('429: too many sign-ins. Try again in a minute.');
  if (!response.ok) throw new Error(`${response.status}: the demo user could not sign in. Is the password right?`);
  return (await response.json()).jwt;
}

async function playbackToken(jwt) {
  const response = await fetch(`/api/protected-vod/videos/${video}/playback-token`, {
    method: 'POST',
    headers: jwt ? { authorization: `Bearer ${jwt}` } : {},
  });
  const body = await response.json();
  if (!response.ok) throw new Error(`${response.status} ${body.error.details.code}: ${body.error.message}`);
  return body.data;
}

function play(url) {
  // Strapi's CSP allows no workers from blobs. A short buffer, or the whole clip is here before anybody can revoke it.
  hls = new Hls({ enableWorker: false, maxBufferLength: 4, maxMaxBufferLength: 4 });
  hls.on(Hls.Events.ERROR, (_event, data) => {
    const isRefused = data.response?.code === 403;
    // hls.js would ask for a refused segment again and again.
    if (isRefused) hls?.stopLoad();
    if (isRefused) say('403: the right was withdrawn, nothing more is sent. What is buffered plays out.', 'refused');
    else if (data.fatal) say(`Playback ended: ${data.details}.`, 'refused');
  });
  hls.loadSource(url);
  hls.attachMedia(player);
  return player.play();
}

async function watch(user) {
  stop();
  say('Asking Strapi…');
  try {
    const { urls, poster } = await playbackToken(user ? await signIn(user) : null);
    player.poster = poster ?? '';
    player.hidden = false;
    await play(urls.hls);
    hint.hidden = false;
    say('Permitted: the film plays.', 'permitted');
  } catch (error) {
    stop();
    say(error.message, 'refused');
  }
}

for (const button of buttons) {
  button.addEventListener('click', () => {
    for (const other of buttons) other.setAttribute('aria-pressed', String(other === button));
    watch(button.dataset.user);
  });
}
