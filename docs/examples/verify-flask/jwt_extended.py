import os

import jwt
from flask import Flask, abort, jsonify
from flask_jwt_extended import JWTManager, get_jwt, get_jwt_identity, jwt_required

ISSUER = os.environ.get("AUTH_ISSUER", "http://localhost:4000")
keys = jwt.PyJWKClient(os.environ.get("AUTH_JWKS_URL", f"{ISSUER}/.well-known/jwks.json"), lifespan=300)
app = Flask(__name__)
app.config.update(JWT_ALGORITHM="ES256", JWT_DECODE_ISSUER=ISSUER, JWT_DECODE_AUDIENCE="authograph",
                  JWT_DECODE_LEEWAY=60)
manager = JWTManager(app)


@manager.decode_key_loader
def key_of(header, _claims):
    try:
        return keys.get_signing_key(header.get("kid")).key
    except jwt.PyJWKClientError as error:
        # The keys could not be loaded.
        if isinstance(error.__context__, OSError):
            abort(503)
        raise jwt.InvalidTokenError("The key is unknown.") from error


@manager.token_verification_loader
def is_access_token(header, claims):
    return header.get("typ") == "at+jwt" and "sid" in claims and "exp" in claims


def refusal(status, code, **extensions):
    """The body that clients of Authograph understand: they renew an expired token."""
    return jsonify(errors=[{"message": code, "extensions": {"code": code, **extensions}}]), status


def unauthenticated(reason):
    return lambda *_details: refusal(401, "UNAUTHENTICATED", reason=reason)


manager.unauthorized_loader(unauthenticated("MISSING"))
manager.expired_token_loader(unauthenticated("EXPIRED"))
manager.invalid_token_loader(unauthenticated("INVALID"))
manager.token_verification_failed_loader(unauthenticated("INVALID"))


@app.get("/notes")
@jwt_required()
def notes():
    return [f"Note of {get_jwt_identity()}"]


@app.get("/notes/all")
@jwt_required()
def all_notes():
    if "notes:read" not in get_jwt().get("permissions", []):
        return refusal(403, "FORBIDDEN")
    return ["Note of everyone"]


if __name__ == "__main__":
    app.run(port=int(os.environ.get("PORT", 3000)))
