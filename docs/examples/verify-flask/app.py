import os
from functools import wraps

import jwt
from flask import Flask, abort, g, jsonify
from flask_login import LoginManager, UserMixin, current_user

ISSUER = os.environ.get("AUTH_ISSUER", "http://localhost:4000")
keys = jwt.PyJWKClient(os.environ.get("AUTH_JWKS_URL", f"{ISSUER}/.well-known/jwks.json"), lifespan=300)
app = Flask(__name__)
login = LoginManager(app)


class User(UserMixin):
    def __init__(self, claims):
        self.id = claims["sub"]
        self.permissions = claims.get("permissions", [])


def verify(token):
    """The claims of an access token."""
    key = keys.get_signing_key_from_jwt(token)
    claims = jwt.decode(token, key.key, algorithms=["ES256"], issuer=ISSUER, audience="authograph",
                        leeway=60, options={"require": ["exp", "iat", "sub", "sid"]})
    if jwt.get_unverified_header(token).get("typ") != "at+jwt":
        raise jwt.InvalidTokenError("The token is no access token.")
    return claims


@login.request_loader
def load_user(request):
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    g.reason = "MISSING"
    if scheme.lower() != "bearer":
        return None
    try:
        return User(verify(token))
    except jwt.ExpiredSignatureError:
        g.reason = "EXPIRED"
    except jwt.PyJWTError as error:
        # The keys could not be loaded.
        if isinstance(error.__context__, OSError):
            abort(503)
        g.reason = "INVALID"
    return None


def refusal(status, code, **extensions):
    """The body that clients of Authograph understand: they renew an expired token."""
    return jsonify(errors=[{"message": code, "extensions": {"code": code, **extensions}}]), status


def guard(permission=None):
    def decorate(view):
        @wraps(view)
        def guarded(*args, **kwargs):
            if not current_user.is_authenticated:
                return refusal(401, "UNAUTHENTICATED", reason=g.reason)
            if permission and permission not in current_user.permissions:
                return refusal(403, "FORBIDDEN")
            return view(*args, **kwargs)
        return guarded
    return decorate


@app.get("/notes")
@guard()
def notes():
    return [f"Note of {current_user.id}"]


@app.get("/notes/all")
@guard("notes:read")
def all_notes():
    return ["Note of everyone"]


if __name__ == "__main__":
    app.run(port=int(os.environ.get("PORT", 3000)))
