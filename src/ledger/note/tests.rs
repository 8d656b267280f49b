use super::*;

// The key pair and note of the signed-note examples in Go's x/mod/sumdb/note.
const GO_PRIVATE: &str = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
const GO_VKEY: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const GO_NOTE: &str = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n\
    — PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

fn key(name: &str, seed: u8) -> SigningKey {
    SigningKey::from_seed(name, &Zeroizing::new([seed; 32])).unwrap()
}

#[test]
fn a_key_and_a_note_made_by_go_are_read_and_made_again_byte_for_byte() {
    let signing = SigningKey::parse(GO_PRIVATE).unwrap();
    assert_eq!(signing.verifier().to_string(), GO_VKEY);
    let verifier: VerifierKey = GO_VKEY.parse().unwrap();
    let text = open(GO_NOTE, &[&verifier]).unwrap();
    assert_eq!(signing.sign(text).unwrap(), GO_NOTE);
}

#[test]
fn a_signing_key_survives_being_written_down_and_never_shows_its_seed() {
    let seed = Zeroizing::new([7; 32]);
    let text = SigningKey::encode("log.test/1", &seed).unwrap();
    let key = SigningKey::parse(&text).unwrap();
    assert_eq!(key.verifier(), SigningKey::from_seed("log.test/1", &seed).unwrap().verifier());
    let shown = format!("{key:?}");
    assert!(shown.contains("log.test/1") && !shown.contains("PRIVATE") && !shown.contains("pair"), "{shown}");
}

#[test]
fn a_key_that_was_mistyped_or_is_of_another_kind_is_refused_with_the_reason() {
    let swapped = GO_VKEY.replace("PeterNeumann", "PeterNeumenn");
    assert_eq!(swapped.parse::<VerifierKey>(), Err(KeyError::Hash));
    assert_eq!(GO_PRIVATE.parse::<VerifierKey>(), Err(KeyError::Verifier));
    assert_eq!(GO_VKEY.replace("+ARpc", "+BBpc").parse::<VerifierKey>(), Err(KeyError::Algorithm));
    for cut in [&GO_VKEY[..GO_VKEY.len() - 4], "PeterNeumann+c74f20a3", "", "PeterNeumann+C74F20A3+ARpc"] {
        assert_eq!(cut.parse::<VerifierKey>(), Err(KeyError::Verifier), "{cut}");
    }
    assert!(matches!(SigningKey::from_seed("a b", &Zeroizing::new([0; 32])), Err(KeyError::Name(_))));
}

#[test]
fn signatures_of_strangers_are_ignored_but_one_of_ours_must_be_there() {
    let (log, witness) = (key("log.test/1", 1), key("witness.test/1", 2));
    let note = log.sign("hello\n").unwrap();
    let cosigned = format!("{note}{}", witness.sign("hello\n").unwrap().split_once("\n\n").unwrap().1);
    assert_eq!(open(&cosigned, &[log.verifier()]), Ok("hello\n"));
    assert_eq!(open(&cosigned, &[log.verifier(), witness.verifier()]), Ok("hello\n"));
    // The same name with another key is a stranger too.
    let namesake = key("log.test/1", 3);
    assert!(matches!(open(&cosigned, &[namesake.verifier()]), Err(NoteError::NoTrustedSignature(_))));
}

#[test]
fn a_changed_text_a_changed_signature_and_a_second_signature_are_refused() {
    let log = key("log.test/1", 1);
    let note = log.sign("hello\n").unwrap();
    let bad = Err(NoteError::BadSignature("log.test/1".into()));
    assert_eq!(open(&note.replace("hello", "hallo"), &[log.verifier()]), bad);
    let line = note.lines().last().unwrap();
    let (rest, blob) = line.rsplit_once(' ').unwrap();
    let mut blob = BASE64.decode(blob).unwrap();
    blob[40] ^= 1;
    let flipped = format!("hello\n\n{rest} {}\n", BASE64.encode(blob));
    assert_eq!(open(&flipped, &[log.verifier()]), bad);
    let twice = format!("{note}{line}\n");
    assert_eq!(open(&twice, &[log.verifier()]), Err(NoteError::Malformed("two signatures by the same key")));
}

#[test]
fn what_does_not_have_the_form_of_a_note_is_refused() {
    let log = key("log.test/1", 1);
    let note = log.sign("hello\n").unwrap();
    let malformed = [
        note.trim_end().to_owned(),
        note.replace("\n\n", "\n"),
        note.replace("— ", "- "),
        note.replace("hello", "hel\tlo"),
        format!("{note}\n"),
        format!("{note}— log.test/1 AAAA\n"),
        format!("{note}— log.test/1 AAAAAA\n"),
        format!("{note}—  AAAAAAA=\n"),
        note.replace('\n', "\r\n"),
        String::new(),
        format!("{note}{}", "— stranger AAAAAAA=\n".repeat(64)),
    ];
    for wrong in malformed {
        assert!(matches!(open(&wrong, &[log.verifier()]), Err(NoteError::Malformed(_))), "{wrong:?}");
    }
}
