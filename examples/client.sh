#!/usr/bin/env bash
# A whole relying party with curl alone: code + PKCE, refresh, switch of company, introspection, revocation, sign-out.
#
#   make demo                                  # in another terminal
#   set -a; . .idp/demo.env; set +a
#   examples/client.sh ada north-sea-energy kvitberg-hydro    # or, in one company: jonas north-sea-energy
#
# The person's part (sign in, allow) is done by curl too, by filling the pages' forms; a real client opens a browser.
set -euo pipefail
user=${1:-ada} company=${2:-north-sea-energy}
other=${3:-$([ $# -gt 0 ] && echo "$company" || echo kvitberg-hydro)}  # of a person in one company: the same again
issuer=${IDP_PUBLIC_URL:?source demo.env first}
secret_name="DEMO_PASSWORD_$(tr '[:lower:]' '[:upper:]' <<<"$user")"
client=cli redirect=http://127.0.0.1:9/callback
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT

json() { python3 -c 'import json,sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1"; }
claims() { python3 -c 'import base64,json,sys; p=sys.stdin.read().split(".")[1]; print(json.dumps(json.loads(base64.urlsafe_b64decode(p+"="*(-len(p)%4)))))'; }
b64url() { base64 | tr '+/' '-_' | tr -d '=\n'; }
csrf() { sed -n 's/.*name="csrf_token" value="\([^"]*\)".*/\1/p' "$1" | tail -n 1; }  # the last form is the one to answer
visit() { curl -sS -b "$work/jar" -c "$work/jar" -o "$work/page" -w '%{http_code} %{redirect_url}' "$@"; }

curl -fsS "$issuer/.well-known/openid-configuration" >"$work/discovery"
endpoint() { json "$1" <"$work/discovery"; }

# The browser's part: follow redirects within the provider, fill what is asked, stop at the client's address.
authorize() { # company -> code
    local answer location='' page=''
    answer=$(visit -G "$(endpoint authorization_endpoint)" \
        --data-urlencode response_type=code --data-urlencode "client_id=$client" --data-urlencode "redirect_uri=$redirect" \
        --data-urlencode "scope=openid companies offline_access datasets:read" --data-urlencode "company=$1" \
        --data-urlencode "state=$(openssl rand -hex 8)" --data-urlencode "code_challenge=$challenge" \
        --data-urlencode code_challenge_method=S256)
    for _ in 1 2 3 4 5 6; do
        location=${answer#* }
        case $location in
            "$redirect"*) break ;;
            "$issuer"*) page=$location; answer=$(visit "$page") ;;
            *)
                if grep -q 'name="password"' "$work/page"; then
                    set -- --data-urlencode "identifier=$user" --data-urlencode "password=${!secret_name}"
                else
                    set -- -d decision=allow
                fi
                answer=$(visit "$page" -H "Origin: $issuer" --data-urlencode "csrf_token=$(csrf "$work/page")" "$@") ;;
        esac
    done
    sed -n 's/.*[?&]code=\([^&]*\).*/\1/p' <<<"$location" | grep . || { echo "no code came back: $answer" >&2; exit 1; }
}

# RFC 7636: a secret for one request; only its hash travels through the browser.
verifier=$(openssl rand 32 | b64url)
challenge=$(printf %s "$verifier" | openssl dgst -sha256 -binary | b64url)
authorize "$other" >/dev/null # consent is asked once for each company; now the switch below needs no browser
code=$(authorize "$company")
echo "code            received"

token() { curl -fsS "$(endpoint token_endpoint)" -d "client_id=$client" "$@"; }
token -d grant_type=authorization_code -d "code=$code" -d "redirect_uri=$redirect" -d "code_verifier=$verifier" >"$work/tokens"
echo "access token    $(json access_token <"$work/tokens" | claims)"

token -d grant_type=refresh_token -d "refresh_token=$(json refresh_token <"$work/tokens")" >"$work/refreshed"
echo "refreshed       $(json scope <"$work/refreshed")"
token -d grant_type=refresh_token -d "refresh_token=$(json refresh_token <"$work/refreshed")" -d "company=$other" >"$work/switched"
echo "switched        $(json access_token <"$work/switched" | claims)"

access=$(json access_token <"$work/switched")
echo "userinfo        $(curl -fsS "$(endpoint userinfo_endpoint)" -H "Authorization: Bearer $access")"
introspect() { curl -fsS -u "dataset-service:$DATASET_SERVICE_SECRET" "$(endpoint introspection_endpoint)" -d "token=$access"; }
echo "introspection   $(introspect)"
curl -fsS "$(endpoint revocation_endpoint)" -d "client_id=$client" -d "token=$(json refresh_token <"$work/switched")"
echo "revoked         $(introspect)"

machine=$(curl -fsS -u "machine:$MACHINE_SECRET" "$(endpoint token_endpoint)" -d grant_type=client_credentials -d scope=datasets:read)
echo "machine         $(json access_token <<<"$machine" | claims)"

ended=$(visit -G "$(endpoint end_session_endpoint)" --data-urlencode "id_token_hint=$(json id_token <"$work/tokens")")
echo "signed out      ${ended%% *}"
