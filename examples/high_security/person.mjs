// Somebody at a browser: follows redirects within the provider and answers what its pages ask.

export class Person {
  #cookies = new Map()
  #answers

  constructor(identifier, password) {
    this.#answers = { identifier, password, decision: 'allow' }
  }

  // Open an address and answer until the provider leads elsewhere, or asks no more; the address of that.
  async visit(address, answers = {}) {
    const home = new URL(address).origin
    const known = { ...this.#answers, ...answers }
    let url = new URL(address)
    let answer = await this.#request(url)
    for (let step = 0; step < 12; step++) {
      const page = await answer.text()
      const token = [...page.matchAll(/name="csrf_token" value="([^"]+)"/g)].at(-1)?.[1]
      if (answer.headers.has('location')) {
        url = new URL(answer.headers.get('location'), url)
        if (url.origin !== home) return url
        answer = await this.#request(url)
      } else if (token) {
        const asked = Object.entries(known).filter(([name]) => page.includes(`name="${name}"`))
        const body = new URLSearchParams([['csrf_token', token], ...asked])
        answer = await this.#request(url, { method: 'POST', body, headers: { Origin: home } })
      } else {
        return url
      }
    }
    throw new Error(`the sign-in does not end: ${answer.status}`)
  }

  async #request(url, { headers, ...options } = {}) {
    const cookie = [...this.#cookies].map((pair) => pair.join('=')).join('; ')
    const answer = await fetch(url, { ...options, headers: { ...headers, Cookie: cookie }, redirect: 'manual' })
    for (const set of answer.headers.getSetCookie()) {
      const [name, value] = set.split(';', 1)[0].split(/=(.*)/)
      this.#cookies.set(name, value)
    }
    return answer
  }
}
