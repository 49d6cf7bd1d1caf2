import { InvalidArgumentError, Option } from 'commander';

function parseUrl(text: string): string {
  if (/^https?:\/\//.test(text) && URL.canParse(text)) return text;
  throw new InvalidArgumentError('It must begin with http:// or https://.');
}

/** Where Strapi listens on loopback. */
export function urlOption(): Option {
  return new Option('--url <url>', 'where Strapi listens (default: HOST and PORT of the app)').argParser(parseUrl);
}

export interface UrlOption {
  url?: string;
}
