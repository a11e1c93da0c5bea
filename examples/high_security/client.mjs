// Five clients of high security with openid-client; each token is refused without its proof.
//
//     python -m examples.high_security.instance              # in another terminal
//     set -a; . .idp/high_security/env; set +a
//     cd examples/high_security && npm ci && node client.mjs
//
// `Person` is Ada at her browser, where she signs in and allows what is asked.

import { readFile } from 'node:fs/promises'
import * as oauth from 'openid-client'
import { Agent, fetch as undiciFetch } from 'undici'
import { Person } from './person.mjs'

const ISSUER = new URL(process.env.IDP_PUBLIC_URL)
const DATASETS = new URL('/datasets', process.env.DATASET_SERVICE_URL)
const REPORTS = new URL('/reports', process.env.REPORTS_URL)
const KEYS = process.env.CLIENT_KEYS
const SCOPE = 'openid companies datasets:read'

// A pushed authorization request, a code, and tokens that are bound to a key made for this sign-in (FAPI 2.0).
async function webApplication(person) {
  // FAPI 2.0 has no RS256, which is OpenID's default for ID tokens.
  const metadata = { id_token_signed_response_alg: 'ES256' }
  const desk = await oauth.discovery(ISSUER, 'trading-desk', metadata, await privateKeyJwt('trading-desk'))
  const DPoP = oauth.getDPoPHandle(desk, await oauth.randomDPoPKeyPair('ES256'))
  const pkceCodeVerifier = oauth.randomPKCECodeVerifier()
  const [expectedState, expectedNonce] = [oauth.randomState(), oauth.randomNonce()]
  const request = {
    redirect_uri: 'https://trading-desk.example/callback',
    scope: SCOPE,
    state: expectedState,
    nonce: expectedNonce,
    code_challenge: await oauth.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: 'S256',
  }
  const pushed = await oauth.buildAuthorizationUrlWithPAR(desk, request, { DPoP })
  say('pushed', pushed.searchParams.get('request_uri'))
  const answer = await person.visit(pushed)
  const checks = { pkceCodeVerifier, expectedState, expectedNonce, idTokenExpected: true }
  const tokens = await oauth.authorizationCodeGrant(desk, answer, checks, undefined, { DPoP }) // checks iss, ID token
  const { sub } = tokens.claims()
  say('signed in', sub)
  say('userinfo', (await oauth.fetchUserInfo(desk, tokens.access_token, sub, { DPoP })).sub)
  await use(desk, tokens, DATASETS, { DPoP })
  return tokens
}

// Ada types the code that the display shows into her browser, and the display polls (RFC 8628).
async function device(person) {
  const display = await oauth.discovery(ISSUER, 'wall-display', undefined, oauth.None())
  const DPoP = oauth.getDPoPHandle(display, await oauth.randomDPoPKeyPair('ES256'))
  const shown = await oauth.initiateDeviceAuthorization(display, { scope: SCOPE })
  say('display shows', `${shown.verification_uri} ${shown.user_code}`)
  await person.visit(shown.verification_uri, { user_code: shown.user_code })
  const tokens = await oauth.pollDeviceAuthorizationGrant(display, shown, undefined, { DPoP })
  await use(display, tokens, DATASETS, { DPoP })
}

// It was called with Ada's token, and calls the reports on her behalf: with a token of its own key (RFC 8693).
async function datasetService(tokens) {
  const secret = oauth.ClientSecretBasic(process.env.DATASET_SERVICE_SECRET)
  const service = await oauth.discovery(ISSUER, 'dataset-service', undefined, secret)
  const DPoP = oauth.getDPoPHandle(service, await oauth.randomDPoPKeyPair('ES256'))
  const parameters = {
    subject_token: tokens.access_token,
    subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    resource: process.env.REPORTS_URL,
  }
  const grantType = 'urn:ietf:params:oauth:grant-type:token-exchange'
  const exchanged = await oauth.genericGrantRequest(service, grantType, parameters, { DPoP })
  say('report', JSON.stringify(await use(service, exchanged, REPORTS, { DPoP })))
}

// It signs with its key instead of sending a secret (RFC 7523), and binds its token to another one.
async function machine() {
  const forecast = await oauth.discovery(ISSUER, 'forecast', undefined, await privateKeyJwt('forecast'))
  const DPoP = oauth.getDPoPHandle(forecast, await oauth.randomDPoPKeyPair('ES256'))
  const tokens = await oauth.clientCredentialsGrant(forecast, { scope: 'datasets:read' }, { DPoP })
  await use(forecast, tokens, DATASETS, { DPoP })
}

// Its certificate is its name at the provider, and binds the token (RFC 8705).
async function machineWithCertificate() {
  const [cert, key] = await Promise.all(['pem', 'key'].map((end) => readFile(`${KEYS}/meter.${end}`)))
  const dispatcher = new Agent({ connect: { cert, key } })
  const customFetch = (url, options) => undiciFetch(url, { ...options, dispatcher })
  const metadata = { use_mtls_endpoint_aliases: true }
  const options = { [oauth.customFetch]: customFetch }
  const meter = await oauth.discovery(ISSUER, 'meter', metadata, oauth.TlsClientAuth(), options)
  const tokens = await oauth.clientCredentialsGrant(meter, { scope: 'datasets:read' })
  await use(meter, tokens, DATASETS)
  await dispatcher.close()
}

async function privateKeyJwt(clientId) {
  const jwk = JSON.parse(await readFile(`${KEYS}/${clientId}.json`))
  const key = await crypto.subtle.importKey('jwk', jwk, { name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign'])
  return oauth.PrivateKeyJwt({ key, kid: jwk.kid })
}

// What the resource answers; who has the token alone, without key or certificate, must be refused.
async function use(config, tokens, url, options) {
  const { access_token: token, token_type: type } = tokens
  const answer = await oauth.fetchProtectedResource(config, token, url, 'GET', undefined, undefined, options)
  if (answer.status !== 200) throw new Error(`GET ${url}: ${answer.status}`)
  say('used', `${url} ${type}`)
  const stolen = await fetch(url, { headers: { Authorization: `${type} ${token}` } })
  if (stolen.status !== 401) throw new Error(`the token without its proof should be refused: ${stolen.status}`)
  say('refused', 'the token without its proof')
  return answer.json()
}

function say(what, result) {
  console.log(what.padEnd(15), result)
}

// One story after the other; the third goes on where the first ended. What goes wrong is told, and ends us with 1.
const ada = new Person('ada', process.env.ADA_PASSWORD)
const tokens = await webApplication(ada)
await device(ada)
await datasetService(tokens)
await machine()
await machineWithCertificate()
