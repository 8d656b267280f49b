//! The way to a value in an entry.

/// The way to a value in an entry, as the walk there left it: nothing is written down unless somebody asks.
#[derive(Clone, Copy)]
pub struct Path<'a> {
    above: Option<&'a Path<'a>>,
    step: Step<'a>,
}

#[derive(Clone, Copy)]
enum Step<'a> {
    Field(&'a str),
    Item(usize),
}

impl<'a> Path<'a> {
    pub(super) fn field(above: Option<&'a Path<'a>>, name: &'a str) -> Self {
        Self { above, step: Step::Field(name) }
    }

    pub(super) fn item(above: &'a Path<'a>, n: usize) -> Self {
        Self { above: Some(above), step: Step::Item(n) }
    }

    /// Writes it as a JSON Pointer (RFC 6901) into the entry.
    pub fn write(&self, out: &mut String) {
        if let Some(above) = self.above {
            above.write(out);
        }
        out.push('/');
        match self.step {
            Step::Field(name) if name.bytes().any(|b| matches!(b, b'~' | b'/')) => {
                out.push_str(&name.replace('~', "~0").replace('/', "~1"));
            }
            Step::Field(name) => out.push_str(name),
            Step::Item(n) => out.push_str(&n.to_string()),
        }
    }

    /// The same, by itself.
    #[must_use]
    pub fn pointer(&self) -> String {
        let mut pointer = String::new();
        self.write(&mut pointer);
        pointer
    }
}
