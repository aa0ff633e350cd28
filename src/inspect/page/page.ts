/** The inspector as a page of its own: connects to the server it came from. */
import { connectSource, mountInspector } from '#inspector-page';
import './page.css';

const TOKEN = 'sluice.token';

/**
 * The token comes in the fragment, which is never sent anywhere. It leaves the address at once, so that
 * links to what is shown do not carry it, and stays with this tab, so that the tab can be loaded again.
 */
function takeToken(): string {
  const given = new URLSearchParams(location.hash.slice(1)).get('token');
  if (given !== null) {
    sessionStorage.setItem(TOKEN, given);
    history.replaceState(null, '', `${location.pathname}${location.search}`);
  }
  return given ?? sessionStorage.getItem(TOKEN) ?? '';
}

const element = document.getElementById('inspector');
if (element !== null) {
  const url = new URL('live', location.href);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  url.search = '';
  url.hash = '';
  mountInspector(element, connectSource({ url: url.href, token: takeToken() }), { ownsPage: true });
}
