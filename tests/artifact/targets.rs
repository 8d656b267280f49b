//! `seconder ledger verify` takes a ledger however it was downloaded, and remembers it.
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use seconder::artifact::Directory;
use seconder::ledger::RecordType::{self, *};
use seconder::ledger::segment::Guide;
use serde_json::json;
use tar::EntryType;
use tempfile::TempDir;

use super::files::{self, Files, gzip};
use super::{check, cut, write};
use crate::ledger_verify::story::{ORIGIN, Record, Story, request, vkey};
use crate::support::process::{said, seconder};

/// A tar file of a folder, whose members are under `prefix`.
fn archive(folder: &Path, prefix: &str, packed: bool) -> PathBuf {
    let path = folder.with_extension(if packed { "tar.gz" } else { "tar" });
    let file = File::create(&path).unwrap();
    if packed {
        let mut builder = tar::Builder::new(GzEncoder::new(file, Compression::fast()));
        builder.append_dir_all(prefix, folder).unwrap();
        builder.into_inner().unwrap().finish().unwrap();
    } else {
        let mut builder = tar::Builder::new(file);
        builder.append_dir_all(prefix, folder).unwrap();
        builder.finish().unwrap();
    }
    path
}

#[test]
fn an_archive_of_a_ledger_or_of_a_segment_is_read_without_unpacking_it() {
    let root = TempDir::new().unwrap();
    let story = Story::of(100);
    let (export, segment) = (root.path().join("export"), root.path().join("segment"));
    story.export_into(Directory::create(&export).unwrap());
    write(&story, Some(&cut(&story, 300)), &segment);
    // Too long for a header of its own: GNU tar writes such a name before the member.
    let long = "a-folder-with-a-long-name/".repeat(5) + "l";
    for folder in [&export, &segment] {
        let expected = check(folder, &[]).unwrap();
        for (prefix, packed) in [(".", false), ("ledger-2026-11", false), ("./a/b", true), (long.as_str(), true)] {
            let archive = archive(folder, prefix, packed);
            assert_eq!(check(&archive, &[]).unwrap(), expected, "{}", archive.display());
            fs::remove_file(archive).unwrap();
        }
    }
}

#[test]
fn an_archive_that_is_damaged_or_hides_something_is_refused() {
    let root = TempDir::new().unwrap();
    let export = root.path().join("export");
    Story::of(20).export_into(Directory::create(&export).unwrap());
    let bytes = fs::read(archive(&export, "l", false)).unwrap();
    let honest: Vec<(String, Vec<u8>)> = files::unpacked(&bytes)
        .into_iter()
        .filter(|(name, _)| !name.ends_with('/') && export.join(name.strip_prefix("l/").unwrap_or("x")).is_file())
        .collect();
    let file = root.path().join("changed.tar");
    let refused = |bytes: &[u8]| {
        fs::write(&file, bytes).unwrap();
        check(&file, &[]).unwrap_err().to_string()
    };
    let with = |name: &str, bytes: &[u8]| {
        let more = honest.iter().cloned().chain([(name.to_owned(), bytes.to_vec())]);
        files::tar(&more.collect::<Vec<_>>())
    };
    fs::write(&file, files::tar(&honest)).unwrap();
    check(&file, &[]).unwrap();
    fs::write(&file, [bytes.as_slice(), &[0; 10_240]].concat()).unwrap();
    check(&file, &[]).expect("tar fills its files with zeros");
    fs::write(export.join("MANIFEST.sha256"), "").unwrap();
    let refused_folder = check(&export, &[]).unwrap_err().to_string();
    assert!(refused_folder.starts_with("MANIFEST.sha256 belongs to a segment"), "{refused_folder}");
    for (bytes, reason) in [
        (with("l/../../etc/passwd", b"root"), "leads out of it"),
        (with("elsewhere/readme", b"hello"), "lies beside the ledger"),
        (with("l/readme", b"hello"), "readme does not belong to this ledger"),
        (with("l/checkpoint", b"another"), "is in it twice"),
        (with("l/MANIFEST.sha256", b""), "MANIFEST.sha256 belongs to a segment, and this is a whole ledger"),
        ([bytes.as_slice(), b"more"].concat(), "something follows its end"),
        (bytes.repeat(2), "something follows its end"),
        (bytes[..bytes.len() / 2].to_vec(), "is damaged"),
        (gzip(&bytes)[..2_000].to_vec(), "is damaged"),
        (b"PK\x03\x04 not a tar file".to_vec(), "neither a folder nor a tar file"),
        (files::tar(&[]), "neither a folder nor a tar file"),
    ] {
        let said = refused(&bytes);
        assert!(said.contains(reason), "said: {said}\nnot: {reason}");
    }
}

#[test]
fn what_stands_before_a_member_may_name_it_and_not_fill_the_memory_nor_move_its_end() {
    let root = TempDir::new().unwrap();
    let export = root.path().join("export");
    Story::of(20).export_into(Directory::create(&export).unwrap());
    let bytes = fs::read(archive(&export, "l", false)).unwrap();
    let members: Vec<(String, Vec<u8>)> = files::unpacked(&bytes);
    let members = members.iter().filter(|(name, _)| export.join(name.strip_prefix("l/").unwrap_or("x")).is_file());
    let file = root.path().join("extended.tar");
    let checked = |named: &[(EntryType, Vec<u8>)]| {
        let mut builder = tar::Builder::new(Vec::new());
        for (name, bytes) in members.clone() {
            let is_named = name == "l/log.vkey";
            for (kind, said) in named.iter().filter(|_| is_named) {
                files::add(&mut builder, "x", *kind, said);
            }
            files::add(&mut builder, if is_named { "short" } else { name }, EntryType::Regular, bytes);
        }
        fs::write(&file, builder.into_inner().unwrap()).unwrap();
        check(&file, &[])
    };
    let pax = |said: &str| (EntryType::XHeader, said.as_bytes().to_vec());
    let name = (EntryType::GNULongName, b"l/log.vkey\0".to_vec());
    // As Python's tarfile writes it, with a time.
    let python = pax("28 mtime=1795000002.1234567\n19 path=l/log.vkey\n");
    checked(std::slice::from_ref(&name)).unwrap();
    checked(std::slice::from_ref(&python)).unwrap();
    let endless = |kind| vec![(kind, vec![b'a'; 64 << 10])];
    for (named, reason) in [
        (endless(EntryType::GNULongName), "65536 bytes are about the name or the attributes of one member"),
        (endless(EntryType::XHeader), "or pack it again with tar --format=ustar"),
        (endless(EntryType::GNULongLink), "is not a file but GNULongLink"),
        (endless(EntryType::XGlobalHeader), "is not a file but XGlobalHeader"),
        (vec![pax("10 size=9\n")], "a PAX header says where a member ends (size)"),
        (vec![name, python], "a member has two names"),
    ] {
        let said = checked(&named).unwrap_err().to_string();
        assert!(said.contains(reason), "said: {said}\nnot: {reason}");
    }
}

#[test]
fn an_archive_that_unpacks_without_end_stops_being_unpacked() {
    let root = TempDir::new().unwrap();
    let bomb = root.path().join("bomb.tar.gz");
    let mut gz = GzEncoder::new(File::create(&bomb).unwrap(), Compression::best());
    for _ in 0..20 {
        std::io::Write::write_all(&mut gz, &vec![0; 1 << 20]).unwrap();
    }
    gz.finish().unwrap();
    let said = check(&bomb, &[]).unwrap_err().to_string();
    assert!(said.contains("unpacks to more than 200 times its size"), "{said}");
}

struct Auditor(TempDir);

impl Auditor {
    /// Runs the command, and returns its exit code and what it said.
    fn verify(&self, arguments: &[&str]) -> (i32, String) {
        let mut command = seconder();
        command.args(["ledger", "verify", "--vkey", &vkey().to_string()]).args(arguments).current_dir(self.0.path());
        let output = command.output().unwrap();
        (output.status.code().unwrap(), said(&output))
    }

    fn write(&self, name: &str, story: &Story, before: Option<&Story>) {
        write(story, before, &self.0.path().join(name));
    }
}

#[test]
fn all_segments_in_their_order_are_a_ledger_and_a_gap_or_a_fork_between_them_is_found() {
    let auditor = Auditor(TempDir::new().unwrap());
    let story = Story::of(200);
    let (first, second) = (cut(&story, 300), cut(&story, 520));
    auditor.write("1", &first, None);
    auditor.write("2", &second, Some(&first));
    auditor.write("3", &story, Some(&second));
    let (code, said) = auditor.verify(&["1", "2", "3"]);
    assert_eq!((code, said.matches("verified: ").count()), (0, 3), "{said}");
    let (code, said) = auditor.verify(&["1", "3"]);
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("begins at entry 520, but the one before it ends at 300"), "{said}");
    let (code, said) = auditor.verify(&["2", "1"]);
    assert_eq!(code, 2, "{said}");
    assert!(
        said.contains("1 ends at entry 300, but the one before it ends at 520") && !said.contains("rollback"),
        "{said}"
    );

    let mut fork = story.clone();
    let request = crate::ledger_verify::story::request(0);
    fork.set(&request, seconder::ledger::RecordType::RequestOpened, "/environment", "staging".into());
    auditor.write("forked", &cut(&fork, 520), Some(&cut(&fork, 300)));
    let (code, said) = auditor.verify(&["1", "forked"]);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("NOT VERIFIED: fork: the first 300 entries"), "{said}");
}

/// What happens to a request while the segment changes.
#[test]
fn what_is_true_of_a_request_does_not_end_where_a_segment_does() {
    let id = request(60);
    let told_at = |kind: RecordType, change: &dyn Fn(&mut Story)| {
        let auditor = Auditor(TempDir::new().unwrap());
        let mut story = Story::of(150);
        let first = cut(&story, story.place(&id, kind) + 1);
        change(&mut story);
        auditor.write("1", &first, None);
        auditor.write("2", &story, Some(&first));
        assert_eq!(auditor.verify(&["1"]).0, 0);
        auditor.verify(&["1", "2"])
    };
    for kind in [RequestOpened, AttemptRefused, ReviewRecorded, DecisionRecorded, CallbackSent, CallbackResult] {
        let (code, said) = told_at(kind, &|_| {});
        assert!(code == 0 && !said.contains("opened before"), "cut after {kind}: {said}");
    }
    let by_a_party = |story: &mut Story| {
        story.set(&id, ReviewRecorded, "/reviewer/id", json!(2));
        story.set(&id, DecisionRecorded, "/approvers/0/id", json!(2));
    };
    let again = |story: &mut Story| {
        let records: Vec<Record> =
            [DecisionRecorded, CallbackSent].iter().map(|kind| story.record(&id, *kind).clone()).collect();
        story.records.extend(records);
    };
    let opened_again = |story: &mut Story| {
        let opening = story.record(&id, RequestOpened).clone();
        story.records.push(opening);
    };
    let elsewhere = |story: &mut Story| story.set(&id, CallbackSent, "/attempt_checked/attempt", json!(2));
    let late = |story: &mut Story| story.add(&id, DecisionRecorded, "time", json!(1_900_000_000_000_u64));
    for (what, kind, change, reason) in [
        ("a party seconds", RequestOpened, &by_a_party as &dyn Fn(&mut Story), "2 had a part in the request"),
        ("decided after its time", ReviewRecorded, &late, "expire"),
        ("another attempt", DecisionRecorded, &elsewhere, "callback.sent is for attempt 2 of the run"),
        ("decided again", CallbackResult, &again, "decided twice"),
        ("opened again", CallbackResult, &opened_again, "was opened before"),
    ] {
        let (code, said) = told_at(kind, change);
        assert!(code == 1 && said.contains(reason), "{what}: {said}");
    }
}

#[test]
fn a_decision_taken_back_in_the_next_segment_may_be_made_anew_there() {
    let (auditor, id) = (Auditor(TempDir::new().unwrap()), request(60));
    let mut story = Story::of(150);
    let first = cut(&story, story.place(&id, DecisionRecorded) + 1);
    let decision = story.record(&id, DecisionRecorded).body.clone();
    let at = json!(1_763_769_700_000_u64);
    let mut again = story.record(&id, RequestOpened).body.clone();
    again.insert("time".into(), at.clone());
    story.insert_after(&id, DecisionRecorded, DecisionVoided, json!({"why": "judged_again", "time": at}));
    story.insert_after(&id, DecisionVoided, RequestRejudged, again.into());
    story.insert_after(&id, RequestRejudged, DecisionRecorded, decision.into());
    auditor.write("1", &first, None);
    auditor.write("2", &story, Some(&first));
    let (code, said) = auditor.verify(&["1", "2"]);
    assert_eq!(code, 0, "{said}");
}

#[test]
fn a_state_file_remembers_what_was_seen_and_refuses_a_ledger_that_was_cut_back_or_rewritten() {
    let auditor = Auditor(TempDir::new().unwrap());
    let (story, shorter) = (Story::of(100), Story::of(70));
    auditor.write("shorter", &shorter, None);
    auditor.write("longer", &story, Some(&shorter));
    let mut fork = Story::of(110);
    let request = crate::ledger_verify::story::request(0);
    fork.set(&request, seconder::ledger::RecordType::RequestOpened, "/environment", "staging".into());
    auditor.write("forked", &fork, None);
    let with_state = |target| auditor.verify(&[target, "--state", "seen.json"]);
    let seen = || fs::read_to_string(auditor.0.path().join("seen.json")).unwrap();

    assert_eq!(with_state("shorter").0, 0);
    let (code, said) = with_state("longer");
    assert_eq!(code, 0, "{said}");
    assert!(said.contains(&format!("continues the older checkpoint of {} entries", shorter.records.len())), "{said}");
    let remembered = seen();
    for (target, reason) in [("shorter", "rollback: the older checkpoint has"), ("forked", "fork: the first")] {
        let (code, said) = with_state(target);
        assert_eq!(code, 1, "{said}");
        assert!(said.contains(reason), "{said}");
        assert_eq!(seen(), remembered, "what was refused is not remembered");
    }
    assert_eq!(auditor.verify(&["shorter"]).0, 0, "without it nothing is remembered");
    auditor.write("longest", &Story::of(120), Some(&story));
    for unsure in [["--openings", "nowhere"], ["--explain", "req-00099"]] {
        let (code, said) = auditor.verify(&[&["longest", "--state", "seen.json"][..], &unsure].concat());
        assert_ne!(code, 0, "{said}");
        assert_eq!(seen(), remembered, "{unsure:?}");
    }
    let (code, said) = auditor.verify(&["shorter", "--state", "shorter/seen.json"]);
    assert!(code == 2 && said.contains("--state shorter/seen.json lies inside shorter"), "{said}");
    for emptied in ["{", "{}"] {
        fs::write(auditor.0.path().join("seen.json"), emptied).unwrap();
        assert_eq!(with_state("longer").0, 2, "what was seen is not forgotten because it cannot be read");
    }
}

#[test]
fn a_pipe_is_no_ledger() {
    let auditor = Auditor(TempDir::new().unwrap());
    let pipe = auditor.0.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let (code, said) = auditor.verify(&["pipe"]);
    assert!(code == 2 && said.contains("neither a folder nor a file: write it to one first"), "{said}");
}

#[test]
fn whoever_is_strict_refuses_a_file_that_nothing_vouches_for() {
    let auditor = Auditor(TempDir::new().unwrap());
    let story = Story::of(20);
    auditor.write("segment", &story, None);
    let folder = auditor.0.path().join("segment");
    let honest = Files::read(&folder);
    // The requests of the story have simpler ids than a server's: that is all there is.
    let (_, said) = auditor.verify(&["segment", "--strict"]);
    assert!(said.contains("--strict: 20 openings of requests whose ids"), "{said}");
    type Change = fn(&mut Files);
    let changes: [(Change, &str); 4] = [
        (|f| f.put("VERIFY.md", "Just trust us.\n"), "VERIFY.md: nothing the log has signed vouches for it"),
        (|f| drop(f.0.remove("VERIFY.md")), "VERIFY.md is missing"),
        (
            |f| f.put("witness.policy", "quorum none\n"),
            "; with --witness-policy it is held against the policy you trust",
        ),
        (|f| f.put("checkpoint.tsr", "garbage"), "it is no time-stamp of this checkpoint"),
    ];
    for (change, reason) in changes {
        let mut files = honest.clone();
        change(&mut files);
        // The guide tells of what is there: whoever changes the files writes it anew, too.
        let guide = Guide {
            origin: ORIGIN,
            from: 0,
            to: story.records.len() as u64,
            has_witnesses: files.0.contains_key("witness.policy"),
            has_timestamp: files.0.contains_key("checkpoint.tsr"),
        };
        if guide.has_witnesses || guide.has_timestamp {
            files.put("VERIFY.md", guide.text());
        }
        files.manifest_again();
        fs::remove_dir_all(&folder).unwrap();
        fs::create_dir(&folder).unwrap();
        files.write(&folder);
        let (code, said) = auditor.verify(&["segment"]);
        assert!(code == 0 && said.contains(reason), "{reason}: {said}");
        let (code, said) = auditor.verify(&["segment", "--strict"]);
        assert!(code == 1 && said.contains("NOT VERIFIED: --strict: ") && said.contains(reason), "{reason}: {said}");
    }
}

#[test]
fn a_request_of_which_a_segment_has_only_the_end_is_said_to_be_opened_before() {
    use seconder::ledger::RecordType::RequestOpened;
    let auditor = Auditor(TempDir::new().unwrap());
    let (story, request) = (Story::of(100), crate::ledger_verify::story::request(60));
    let before = cut(&story, story.place(&request, RequestOpened) + 1);
    auditor.write("1", &before, None);
    auditor.write("2", &story, Some(&before));
    let (code, said) = auditor.verify(&["2", "--explain", &request]);
    let begins = before.records.len();
    assert_eq!(code, 2, "{said}");
    assert!(said.contains(&format!("it was opened before entry {begins}, where what you gave begins")), "{said}");
    let (_, said) = auditor.verify(&["1", "2", "--explain", &request]);
    assert!(!said.contains("it was opened before"), "{said}");
}

#[test]
fn a_segment_from_the_middle_of_a_log_tells_what_was_opened_in_it_and_what_was_decided() {
    use seconder::ledger::RecordType::RequestOpened;
    let auditor = Auditor(TempDir::new().unwrap());
    let (story, request) = (Story::of(1), crate::ledger_verify::story::request(0));
    let before = cut(&story, story.place(&request, RequestOpened) + 1);
    auditor.write("2", &story, Some(&before));
    let (_, said) = auditor.verify(&["2"]);
    assert!(said.contains("0 requests opened; 1 decided, each with a receipt"), "{said}");
}

#[test]
fn a_key_among_the_files_of_a_segment_proves_nothing() {
    let auditor = Auditor(TempDir::new().unwrap());
    auditor.write("segment", &Story::of(20), None);
    let mut command = seconder();
    command.args(["ledger", "verify", "segment", "--vkey", "segment/log.vkey"]).current_dir(auditor.0.path());
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("lies inside the ledger it should prove"));
}
