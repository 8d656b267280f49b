//! Whether persons are told by their subjects alone: whoever is told by the number of their account besides would be two.
use super::known::Body;
use crate::ledger::verify::read::body::{Owner, Person, Reviewer};
use crate::ledger::verify::read::who::AccountId;
use crate::ledger::verify::violation::Violation;

/// Persons whom an entry names by numbers, and whether it names any by a subject.
#[derive(Debug, Default)]
pub(in crate::ledger::verify) struct Told {
    in_clear: Option<AccountId>,
    has_subject: bool,
}

impl Told {
    pub(in crate::ledger::verify) fn of(parties: &[Person], people: &[Owner]) -> Self {
        let mut told = Self::default();
        parties.iter().chain(people.iter().flat_map(|owner| &owner.accounts)).for_each(|person| told.person(person));
        told
    }

    fn person(&mut self, person: &Person) {
        self.add(person.id, person.in_clear());
    }

    fn reviewer(&mut self, reviewer: &Reviewer) {
        self.add(reviewer.id, reviewer.in_clear());
    }

    fn add(&mut self, id: AccountId, in_clear: Option<AccountId>) {
        self.has_subject |= matches!(id, AccountId::Subject(_));
        self.in_clear = self.in_clear.or(in_clear);
    }
}

/// Whether the log seals who people are: from the first subject on there is no number of a person's account any more. One that
/// a very old server wrote has none at all.
#[derive(Debug, Default)]
pub(in crate::ledger::verify) struct Sealed(bool);

impl Sealed {
    /// Looks at the next entry.
    pub(in crate::ledger::verify) fn look(&mut self, body: &Body) -> Result<(), Violation> {
        let mut of_this = Told::default();
        let told = match body {
            Body::Opened(open) | Body::Rejudged(open) => &open.told,
            other => {
                match other {
                    Body::Review(review) => of_this.reviewer(&review.reviewer),
                    Body::Weighed(weighed) => of_this.person(&weighed.reviewer),
                    Body::Struck(refused) | Body::Refused(refused) => of_this.person(&refused.reviewer),
                    Body::Decision(decision) => {
                        decision.approvers.iter().for_each(|approver| of_this.reviewer(approver));
                        decision.denied_by.iter().for_each(|person| of_this.person(person));
                    }
                    _ => {}
                }
                &of_this
            }
        };
        self.0 |= told.has_subject;
        told.in_clear.filter(|_| self.0).map_or(Ok(()), |id| Err(Violation::InClear(id)))
    }
}
