use super::*;

const KEY: &str = include_str!("../testdata/witness.vkey");
const NOTE: &str = include_str!("../testdata/cosigned");
const LOG: &str = include_str!("../testdata/log.vkey");

/// A witness key of a name of its own. Its hash is computed as the specification says.
fn vkey(n: u8) -> String {
    use base64::Engine as _;
    let (name, public) = (format!("w{n}.test"), [n; 32]);
    let id = crate::ledger::note::key_id(&name, 0x04, &public);
    let key = base64::engine::general_purpose::STANDARD.encode([&[0x04], public.as_slice()].concat());
    format!("{name}+{id:08x}+{key}")
}

/// Six witnesses of two organizations, as in the specification's example.
fn two_organizations() -> String {
    let mut text = String::from("# two organizations\n\n");
    for (n, name) in (1..).zip(["X1", "X2", "X3", "Y1", "Y2", "Y3"]) {
        text += &format!("witness {name}\t{}  https://w{n}.test/\n", vkey(n));
    }
    text + "group X-witnesses 2 X1 X2 X3\n group Y-witnesses any Y1 Y2 Y3\ngroup X-and-Y all X-witnesses Y-witnesses\n\
            quorum X-and-Y\n"
}

#[test]
fn a_quorum_of_groups_is_reached_by_enough_of_each_and_by_nothing_less() {
    let policy: Policy = two_organizations().parse().unwrap();
    assert_eq!(policy.witnesses()[0].url.as_deref(), Some("https://w1.test"));
    let enough = |names: &[&str]| policy.is_satisfied_by(&names.iter().copied().collect());
    assert!(enough(&["X1", "X3", "Y2"]));
    assert!(!enough(&["X1", "X2", "X3"]), "nobody of the other organization");
    assert!(!enough(&["X1", "Y1", "Y2", "Y3"]), "one of the first organization only");
    assert!(!enough(&[]));
    assert!("quorum none\n".parse::<Policy>().unwrap().is_satisfied_by(&BTreeSet::new()));
}

#[test]
fn what_is_written_for_verifiers_says_the_same_and_gives_no_address_away() {
    let policy: Policy = two_organizations().parse().unwrap();
    let published = policy.for_log(LOG.trim());
    assert!(!published.contains("https://"), "{published}");
    let read: Policy = published.parse().unwrap();
    assert_eq!(read.groups, policy.groups);
    assert_eq!(read.quorum, policy.quorum);
}

#[test]
fn a_note_has_the_quorum_only_with_the_cosignature_of_the_witness_and_only_for_the_logs_listed() {
    let log: VerifierKey = LOG.trim().parse().unwrap();
    let policy: Policy = format!("witness one {}\nquorum one\n", KEY.trim()).parse().unwrap();
    assert!(policy.check(NOTE, [&log].into_iter()).is_ok_and(|by| by.values().all(|at| *at > 1_700_000_000)));
    let own: String = NOTE.lines().filter(|line| !line.contains("— witness.test")).map(|l| format!("{l}\n")).collect();
    assert!(matches!(policy.check(&own, [&log].into_iter()), Err(NoQuorum::Missing { .. })));

    let other = crate::ledger::SigningKey::from_seed("log.test/2", &zeroize::Zeroizing::new([2; 32])).unwrap();
    let of_another: Policy = policy.for_log(&other.verifier().to_string()).parse().unwrap();
    assert_eq!(of_another.check(NOTE, [&log].into_iter()), Err(NoQuorum::OtherLog));
}

#[test]
fn every_mistake_in_a_policy_is_named_with_its_line() {
    let (a, b) = (vkey(1), vkey(2));
    for (text, line, what) in [
        (String::new(), 0, "no `quorum` line"),
        (format!("witness a {a}\n"), 0, "no `quorum` line"),
        ("quorum a\n".to_owned(), 1, "no witness and no group of that name"),
        (format!("quorum a\nwitness a {a}\n"), 1, "defined before"),
        (format!("witness a {a}\nwitness b {a}\nquorum a\n"), 2, "listed twice"),
        (format!("witness a {a}\nwitness a {b}\nquorum a\n"), 2, "is taken"),
        (format!("witness none {a}\nquorum none\n"), 1, "is taken"),
        (format!("witness a {}\nquorum a\n", LOG.trim()), 1, "type 0x04"),
        (format!("witness a {}\nquorum a\n", a.replace("w1", "w2")), 1, "hash"),
        (format!("witness a {a}\ngroup g 2 a\nquorum g\n"), 2, "from 1 to the 1 members"),
        (format!("witness a {a}\ngroup g 0 a\nquorum g\n"), 2, "from 1 to the 1 members"),
        (format!("witness a {a}\ngroup g +1 a\nquorum g\n"), 2, "from 1 to the 1 members"),
        (format!("witness a {a}\ngroup g any\nquorum g\n"), 2, "expected"),
        (format!("witness a {a}\ngroup g any a a\nquorum g\n"), 2, "member twice"),
        (format!("witness a {a}\ngroup g any a\ngroup h any a\nquorum h\n"), 3, "member twice"),
        (format!("witness a {a}\ngroup g any none\nquorum g\n"), 2, "no witness and no group"),
        (format!("witness a {a}\ngroup g any g\nquorum g\n"), 2, "no witness and no group"),
        (format!("witness a {a}\nquorum a\nquorum a\n"), 3, "one `quorum` line only"),
        (format!("log {}\nlog {}\nquorum none\n", LOG.trim(), LOG.trim()), 2, "listed twice"),
        ("quorum none\r\n".to_owned(), 1, "control characters"),
        ("quorom none\n".to_owned(), 1, "expected"),
    ] {
        let error = text.parse::<Policy>().unwrap_err();
        assert_eq!(error.line, line, "{text}: {error}");
        assert!(error.what.contains(what), "{text}\n  said: {}\n  not:  {what}", error.what);
    }
}
