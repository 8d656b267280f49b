//! What stands in entries as a word or a number, and where there is more to say as an object.
use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Unexpected, Visitor};

/// Something that is told in either way.
pub(in crate::ledger) trait Short<'de>: Sized {
    /// What is read where it is an object.
    type Object: Deserialize<'de>;

    /// What it can be, in words.
    const EXPECTED: &'static str;

    fn word<E: Error>(word: Cow<'de, str>) -> Result<Self, E>;

    fn number<E: Error>(number: u64) -> Result<Self, E> {
        Err(E::invalid_type(Unexpected::Unsigned(number), &Self::EXPECTED))
    }

    fn object(object: Self::Object) -> Self;
}

/// Reads it. An untagged enumeration would keep every field of an object before it looks at one.
pub(in crate::ledger) fn deserialize<'de, T: Short<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    struct Told<T>(PhantomData<T>);
    impl<'de, T: Short<'de>> Visitor<'de> for Told<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(T::EXPECTED)
        }

        fn visit_u64<E: Error>(self, number: u64) -> Result<T, E> {
            T::number(number)
        }

        fn visit_borrowed_str<E: Error>(self, word: &'de str) -> Result<T, E> {
            T::word(word.into())
        }

        fn visit_str<E: Error>(self, word: &str) -> Result<T, E> {
            T::word(word.to_owned().into())
        }

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
            T::Object::deserialize(MapAccessDeserializer::new(map)).map(T::object)
        }
    }
    deserializer.deserialize_any(Told(PhantomData))
}
