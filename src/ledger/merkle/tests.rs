use super::*;
use proptest::collection::vec;
use proptest::prelude::*;

/// MTH of RFC 6962 §2.1, word for word: the oracle.
fn naive_root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => empty_root(),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(naive_split(leaves.len()));
            node_hash(naive_root(left), naive_root(right))
        }
    }
}

/// PATH of RFC 6962 §2.1.1.
fn naive_path(m: usize, leaves: &[Hash]) -> Vec<Hash> {
    if leaves.len() <= 1 {
        return Vec::new();
    }
    let k = naive_split(leaves.len());
    let (left, right) = leaves.split_at(k);
    let (mut path, sibling) =
        if m < k { (naive_path(m, left), naive_root(right)) } else { (naive_path(m - k, right), naive_root(left)) };
    path.push(sibling);
    path
}

/// SUBPROOF of RFC 6962 §2.1.2.
fn naive_subproof(m: usize, leaves: &[Hash], whole: bool) -> Vec<Hash> {
    if m == leaves.len() {
        return if whole { Vec::new() } else { vec![naive_root(leaves)] };
    }
    let k = naive_split(leaves.len());
    let (left, right) = leaves.split_at(k);
    let (mut proof, sibling) = if m <= k {
        (naive_subproof(m, left, whole), naive_root(right))
    } else {
        (naive_subproof(m - k, right, false), naive_root(left))
    };
    proof.push(sibling);
    proof
}

fn naive_split(n: usize) -> usize {
    (0..).map(|power| 1 << power).take_while(|k| *k < n).last().unwrap()
}

fn leaves(count: usize) -> Vec<Hash> {
    (0..count).map(|n| leaf_hash(format!("entry {n}").as_bytes())).collect()
}

#[test]
fn the_hashes_are_those_of_the_certificate_transparency_test_vectors() {
    assert_eq!(empty_root().to_string(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_eq!(leaf_hash(b"").to_string(), "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
    let inputs = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
    let mut frontier = Frontier::new();
    for input in inputs {
        frontier.push(leaf_hash(&hex::decode(input).unwrap()));
    }
    assert_eq!(frontier.root().to_string(), "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328");
}

#[test]
fn a_frontier_has_the_root_of_the_whole_tree_at_every_size_and_survives_being_written_down() {
    let leaves = leaves(300);
    let mut frontier = Frontier::new();
    for size in 0..leaves.len() {
        assert_eq!(frontier.root(), naive_root(&leaves[..size]));
        frontier = frontier.to_string().parse().unwrap();
        frontier.push(leaves[size]);
    }
}

#[test]
fn a_frontier_with_a_hash_too_few_or_too_many_is_refused() {
    let mut frontier = Frontier::new();
    leaves(7).into_iter().for_each(|leaf| frontier.push(leaf));
    let text = frontier.to_string();
    for wrong in [text.replacen('7', "6", 1), text.replacen('7', "15", 1), text.replace(':', ""), String::new()] {
        assert_eq!(wrong.parse::<Frontier>(), Err(NotAFrontier), "{wrong}");
    }
}

#[test]
fn every_proof_of_every_tree_up_to_forty_leaves_is_the_one_of_the_rfc_and_verifies() {
    let all = leaves(40);
    let levels: Levels = all.iter().copied().collect();
    for size in 1..=all.len() {
        let (tree, root) = (&all[..size], naive_root(&all[..size]));
        for index in 0..size {
            let proof = inclusion_proof(&levels, index as u64, size as u64).unwrap();
            assert_eq!(proof, naive_path(index, tree));
            assert_eq!(verify_inclusion(tree[index], index as u64, size as u64, &proof, root), Ok(()));
        }
        for old in 1..=size {
            let proof = consistency_proof(&levels, old as u64, size as u64).unwrap();
            assert_eq!(proof, naive_subproof(old, tree, true));
            let old_head = (old as u64, naive_root(&all[..old]));
            assert_eq!(verify_consistency(old_head, (size as u64, root), &proof), Ok(()));
        }
    }
}

#[test]
fn an_empty_tree_is_consistent_with_every_tree_but_only_if_its_root_is_that_of_nothing() {
    let root = naive_root(&leaves(5));
    assert_eq!(verify_consistency((0, empty_root()), (5, root), &[]), Ok(()));
    assert_eq!(verify_consistency((0, root), (5, root), &[]), Err(ProofError::WrongRoot));
    assert_eq!(verify_consistency((0, empty_root()), (5, root), &[root]), Err(ProofError::WrongLength(1)));
}

/// What a forger may do to a list of hashes.
fn forge(proof: &[Hash], how: usize, place: usize) -> Vec<Hash> {
    let mut forged = proof.to_vec();
    let place = place % (proof.len() + 1);
    match how % 4 {
        0 => forged.insert(place, leaf_hash(b"one too many")),
        1 if place < proof.len() => drop(forged.remove(place)),
        2 if place + 1 < proof.len() => forged.swap(place, place + 1),
        _ if place < proof.len() => forged[place].0[place % 32] ^= 1,
        _ => forged.push(leaf_hash(b"")),
    }
    forged
}

proptest! {
    #[test]
    fn a_proof_agrees_with_the_naive_recursion_and_no_changed_proof_passes(
        contents in vec(any::<u32>(), 1..600), pick in any::<prop::sample::Index>(), how in any::<usize>(), place in any::<usize>(),
    ) {
        // The position is part of the leaf, or two equal leaves could be swapped without any change.
        let all: Vec<Hash> =
            contents.iter().enumerate().map(|(n, content)| leaf_hash(format!("{n} {content}").as_bytes())).collect();
        let levels: Levels = all.iter().copied().collect();
        let (size, index) = (all.len() as u64, pick.index(all.len()));
        let root = naive_root(&all);

        let proof = inclusion_proof(&levels, index as u64, size).unwrap();
        prop_assert_eq!(&proof, &naive_path(index, &all));
        prop_assert_eq!(verify_inclusion(all[index], index as u64, size, &proof, root), Ok(()));
        let forged = forge(&proof, how, place);
        prop_assert!(verify_inclusion(all[index], index as u64, size, &forged, root).is_err());
        let elsewhere = (index as u64 + 1) % size;
        if elsewhere != index as u64 {
            prop_assert!(verify_inclusion(all[index], elsewhere, size, &proof, root).is_err());
        }

        let old = (index + 1) as u64;
        let old_root = naive_root(&all[..=index]);
        let proof = consistency_proof(&levels, old, size).unwrap();
        prop_assert_eq!(&proof, &naive_subproof(index + 1, &all, true));
        prop_assert_eq!(verify_consistency((old, old_root), (size, root), &proof), Ok(()));
        let forged = forge(&proof, how, place);
        prop_assert!(verify_consistency((old, old_root), (size, root), &forged).is_err());
        prop_assert!(verify_consistency((old, leaf_hash(b"")), (size, root), &proof).is_err());
    }
}
