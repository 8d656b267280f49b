//! Whether a name is a branch or a tag: a run says the name alone.

use super::client::{Call, Error};
use super::graphql::refs::{self, RefContext};
use super::graphql::reply::in_repository;
use super::tokens::Purpose;
use super::{GitHub, Place};
use crate::domain::facts::Run;
use crate::domain::policy::RefKind;

impl GitHub {
    /// Whether a run was started for a branch or for a tag. `None` when there are both of that name, and when what there is does
    /// not have the run's commit: as the tag's, as the branch's head or before it. One call, and one more when the branch has
    /// moved on.
    ///
    /// # Errors
    /// [`Error`] when GitHub may know and did not answer.
    pub async fn ref_kind(&self, place: Place<'_>, run: &Run) -> Result<Option<RefKind>, Error> {
        match self.known_ref_kind(place, run).await {
            Err(error) if error.is_transient() => Err(error),
            // It only ever lets something be excepted: whoever does not let us look has no exception.
            found => Ok(found.unwrap_or_default()),
        }
    }

    async fn known_ref_kind(&self, place: Place<'_>, run: &Run) -> Result<Option<RefKind>, Error> {
        let Some(name) = run.head_branch.as_deref().filter(|name| !name.is_empty() && !run.is_from_fork) else {
            return Ok(None);
        };
        let body = refs::ref_kind(&place.repository.owner, &place.repository.name, name);
        let answer = self.call(place.scope(Purpose::Read), Call::graphql(&body)).await?;
        let (found, is_partial): (RefContext, _) = in_repository(&answer, "the branch or tag", self.now())?;
        // What GitHub left out may be the other one of that name.
        if is_partial || found.database_id != Some(place.repository.id) {
            return Ok(None);
        }
        if let Some(tag) = found.tag(name) {
            return Ok(tag.eq_ignore_ascii_case(&run.head_sha).then_some(RefKind::Tag));
        }
        let Some(head) = found.branch(name) else { return Ok(None) };
        let has_it = head.eq_ignore_ascii_case(&run.head_sha) || self.is_ancestor(place, &run.head_sha, head).await?;
        Ok(has_it.then_some(RefKind::Branch))
    }
}
