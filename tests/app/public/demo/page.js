const player = document.querySelector('#player');
const answer = document.querySelector('#answer');
const password = document.querySelector('#password');
const parameters = new URLSearchParams(location.hash.slice(1));
const video = parameters.get('video');
password.value = parameters.get('password') ?? '';

let hls;

function stop() {
  hls?.destroy();
  player.removeAttribute('src');
  player.hidden = true;
}

async function signIn(identifier) {
  const response = await fetch('/api/auth/local', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ identifier, password: password.value }),
  });
  if (!response.ok) throw new Error('The demo user could not sign in.');
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

async function watch(user) {
  stop();
  answer.textContent = '…';
  try {
    const { urls } = await playbackToken(user ? await signIn(user) : null);
    player.hidden = false;
    hls = new Hls();
    hls.on(Hls.Events.ERROR, (_event, data) => {
      if (data.fatal) answer.textContent = `Playback ended (${data.response?.code ?? data.details}).`;
    });
    hls.loadSource(urls.hls);
    hls.attachMedia(player);
    answer.textContent = 'Playing.';
    await player.play();
  } catch (error) {
    answer.textContent = error.message;
  }
}

for (const button of document.querySelectorAll('button')) {
  button.addEventListener('click', () => watch(button.dataset.user));
}
