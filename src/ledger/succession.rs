//! How one key of a log takes over from another: a statement both have signed, which any tool for signed notes can check.
use std::fmt;

use thiserror::Error;

use super::note::{self, NoteError, SigningKey, VerifierKey};

/// The first line of every statement.
const TITLE: &str = "seconder key change v1";

/// What is stated: the log's next key, by the key before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Succession<'k> {
    /// A key of the log. Both have the log's origin as their name.
    pub old: &'k VerifierKey,
    /// The one that will take over from it.
    pub new: &'k VerifierKey,
}

/// The text that is signed: four lines.
impl fmt::Display for Succession<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{TITLE}\n{}\n{}\n{}", self.new.name(), self.old, self.new)
    }
}

/// Why a statement does not make the one key the other's successor.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum SuccessionError {
    /// A key of another log.
    #[error("the two keys are of different logs")]
    Names,
    /// It is about something else.
    #[error("the statement is about other keys or another log")]
    Text,
    /// One of the two has not signed it.
    #[error("the statement must be signed by the old key and by the new one: {0}")]
    Signature(#[from] NoteError),
}

impl Succession<'_> {
    /// Signs the statement with both keys.
    ///
    /// # Errors
    /// If they are of different logs.
    pub fn sign(old: &SigningKey, new: &SigningKey) -> Result<String, SuccessionError> {
        let stated = Succession { old: old.verifier(), new: new.verifier() };
        stated.is_of_one_log()?;
        Ok(note::sign_with(&stated.to_string(), [old, new])?)
    }

    /// Checks that a statement says exactly this and that both keys have signed it.
    ///
    /// # Errors
    /// If not.
    pub fn verify(&self, statement: &str) -> Result<(), SuccessionError> {
        self.is_of_one_log()?;
        for key in [self.old, self.new] {
            if note::open(statement, &[key])? != self.to_string() {
                return Err(SuccessionError::Text);
            }
        }
        Ok(())
    }

    fn is_of_one_log(&self) -> Result<(), SuccessionError> {
        if self.old.name() == self.new.name() { Ok(()) } else { Err(SuccessionError::Names) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use zeroize::Zeroizing;

    fn key(name: &str, seed: u8) -> SigningKey {
        SigningKey::from_seed(name, &Zeroizing::new([seed; 32])).unwrap()
    }

    #[test]
    fn a_key_is_another_s_successor_only_by_a_statement_that_both_have_signed() {
        let (old, new, other) = (key("log.test/1", 1), key("log.test/1", 2), key("log.test/1", 3));
        let stated = Succession { old: old.verifier(), new: new.verifier() };
        let statement = Succession::sign(&old, &new).unwrap();
        assert_eq!(stated.verify(&statement), Ok(()));

        let text = stated.to_string();
        for half in [old.sign(&text), new.sign(&text), note::sign_with(&text, [&new, &other])] {
            assert!(matches!(stated.verify(&half.unwrap()), Err(SuccessionError::Signature(_))));
        }
        assert_eq!(
            Succession { new: old.verifier(), old: new.verifier() }.verify(&statement),
            Err(SuccessionError::Text)
        );
        let cut = note::sign_with(TITLE, [&old, &new]);
        assert!(cut.is_err(), "not a note without its newline");
        assert_eq!(Succession::sign(&old, &key("log.test/2", 2)), Err(SuccessionError::Names));
    }
}
