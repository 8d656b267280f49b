use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{KeyPair, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};

use super::*;

const PKCS1: &str = include_str!("../testdata/app-key.pkcs1.pem");
const PKCS8: &str = include_str!("../testdata/app-key.pkcs8.pem");
const NOW: Millis = 1_795_341_601_500;

fn app(pem: &str) -> AppJwt {
    AppJwt::new(42, &SecretString::from(pem)).unwrap()
}

fn token(app: &AppJwt, now: Millis) -> String {
    app.credential(now).unwrap().token_for_tests()
}

#[test]
fn the_jwt_is_what_github_asks_for_and_the_apps_public_key_verifies_it() {
    for pem in [PKCS1, PKCS8] {
        let app = app(pem);
        let jwt = token(&app, NOW);
        let (message, signature) = jwt.rsplit_once('.').unwrap();
        let public = RsaKeyPair::from_der(app.key.as_bytes()).unwrap().public_key().clone();
        UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public)
            .verify(message.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).unwrap())
            .unwrap();
        let (header, claims) = message.split_once('.').unwrap();
        let read = |part| serde_json::from_slice::<serde_json::Value>(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
        assert_eq!(read(header)["alg"], "RS256");
        assert_eq!(read(claims), serde_json::json!({ "iat": 1_795_341_541, "exp": 1_795_342_141, "iss": "42" }));
    }
}

#[test]
fn a_jwt_is_used_again_until_shortly_before_it_expires() {
    let app = app(PKCS1);
    let first = token(&app, NOW);
    assert_eq!(token(&app, NOW + 7 * 60_000), first);
    assert_ne!(token(&app, NOW + 8 * 60_000 + 1), first);
    // A clock that was set back must not keep a JWT from the future.
    assert_ne!(token(&app, NOW - 60 * 60_000), first);
}

#[test]
fn a_jwt_that_was_refused_is_not_used_again() {
    let app = app(PKCS1);
    let first = token(&app, NOW);
    app.forget();
    assert_ne!(token(&app, NOW + 1_000), first);
}

#[test]
fn a_wrong_key_is_explained_and_never_shown() {
    for wrong in ["", "secret", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
        let error = AppJwt::new(42, &SecretString::from(wrong)).unwrap_err();
        assert_eq!(error, KeyError::NotRsaPem);
        assert!(error.to_string().contains("Generate a private key"));
    }
    assert_eq!(format!("{:?}", app(PKCS1)), "AppJwt(app 42)");
    assert_eq!(format!("{:?}", app(PKCS1).credential(NOW).unwrap()), "Credential");
}
