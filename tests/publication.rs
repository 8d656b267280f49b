//! The ledger leaves the house: as releases that hold what it holds, once, whatever happens on the way.

use std::collections::BTreeMap;

use seconder::demo::Asset;

mod branch;
mod command;
mod cut_off;
mod disturbed;
mod guarded;
mod press;
mod reach;
mod released;
mod rotated;
mod schedule;
mod serve;
mod witnessed;

/// The names and texts of a release's files.
fn files(assets: &[Asset]) -> BTreeMap<&str, &[u8]> {
    assets.iter().map(|asset| (asset.name.as_str(), asset.bytes.as_slice())).collect()
}

/// What `sha256sum -c` does.
fn assert_the_manifest_holds(assets: &[Asset]) {
    let files = files(assets);
    let manifest = std::str::from_utf8(files["MANIFEST.sha256"]).unwrap();
    let listed: BTreeMap<&str, &str> =
        manifest.lines().map(|line| line.split_once("  ").unwrap()).map(|(hash, name)| (name, hash)).collect();
    for asset in assets.iter().filter(|asset| asset.name != "MANIFEST.sha256") {
        assert_eq!(asset.digest(), format!("sha256:{}", listed[asset.name.as_str()]), "{}", asset.name);
    }
    assert_eq!(listed.len() + 1, assets.len());
}
