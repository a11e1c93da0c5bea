"use strict";
// Answers "client_id session_state" with unchanged, changed or error (OpenID Connect Session Management 1.0 §3.2).
// SHA-256 by hand (FIPS 180-4): `crypto.subtle` answers later, not everywhere, and never on a page without TLS.
(function () {
  var K = [], H = [];
  function root(number, power) { return ((Math.pow(number, power) % 1) * 4294967296) | 0; }
  for (var prime = 2; K.length < 64; prime++) {
    for (var divisor = 2; divisor * divisor <= prime && prime % divisor; divisor++);
    if (divisor * divisor > prime) {
      if (H.length < 8) { H.push(root(prime, 1 / 2)); }
      K.push(root(prime, 1 / 3));
    }
  }
  function right(word, by) { return (word >>> by) | (word << (32 - by)); }

  function sha256(text) {
    var bytes = unescape(encodeURIComponent(text)), hash = H.slice(), words = [], i;
    var blocks = (bytes.length + 9 + 63) >> 6;
    for (i = 0; i < blocks * 16; i++) { words.push(0); }
    for (i = 0; i < bytes.length; i++) { words[i >> 2] |= bytes.charCodeAt(i) << (24 - (i % 4) * 8); }
    words[bytes.length >> 2] |= 0x80 << (24 - (bytes.length % 4) * 8);
    words[words.length - 1] = bytes.length * 8;
    for (var block = 0; block < words.length; block += 16) {
      var w = words.slice(block, block + 16), v = hash.slice();
      for (i = 0; i < 64; i++) {
        if (i >= 16) {
          var a = w[i - 15], b = w[i - 2];
          w[i] = (w[i - 16] + (right(a, 7) ^ right(a, 18) ^ (a >>> 3)) + w[i - 7]
            + (right(b, 17) ^ right(b, 19) ^ (b >>> 10))) | 0;
        }
        var one = (v[7] + (right(v[4], 6) ^ right(v[4], 11) ^ right(v[4], 25))
          + ((v[4] & v[5]) ^ (~v[4] & v[6])) + K[i] + w[i]) | 0;
        var two = ((right(v[0], 2) ^ right(v[0], 13) ^ right(v[0], 22))
          + ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]))) | 0;
        v = [(one + two) | 0, v[0], v[1], v[2], (v[3] + one) | 0, v[4], v[5], v[6]];
      }
      for (i = 0; i < 8; i++) { hash[i] = (hash[i] + v[i]) | 0; }
    }
    return hash.map(function (word) { return ("0000000" + (word >>> 0).toString(16)).slice(-8); }).join("");
  }

  function state() {
    var found = document.cookie.split("; ").filter(function (each) { return each.indexOf("COOKIE=") === 0; });
    return found.length ? found[0].slice("COOKIE=".length) : "";
  }

  window.addEventListener("message", function (event) {
    var parts = String(event.data).split(" "), salt = (parts[1] || "").split(".")[1], answer = "error";
    if (parts.length === 2 && parts[0] && salt) {
      // The origin is part of the hash, so for a page of another site it is "changed", whatever it sends.
      answer = sha256([parts[0], event.origin, state(), salt].join(" ")) + "." + salt === parts[1] ? "unchanged" : "changed";
    }
    event.source.postMessage(answer, event.origin);
  });
})();
