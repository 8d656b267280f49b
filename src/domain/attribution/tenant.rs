//! The catalogue as one tenant knows it: the built-in rows and their own.

use std::fmt;
use std::sync::Arc;

use super::catalogue::Catalogue;
use super::rows::ExtraAgent;

/// Rows a tenant adds, and the catalogue with them in it. Two are equal when their rows are.
#[derive(Clone, Default)]
pub struct TenantCatalogue {
    rows: Vec<ExtraAgent>,
    whole: Option<Arc<Catalogue>>,
}

impl TenantCatalogue {
    /// The built-in catalogue with these rows added.
    ///
    /// # Errors
    /// What is wrong with the rows, in words.
    pub fn with(rows: Vec<ExtraAgent>) -> Result<Self, String> {
        let whole = if rows.is_empty() { None } else { Some(Arc::new(Catalogue::with(&rows)?)) };
        Ok(Self { rows, whole })
    }

    /// Both tenants' rows. A row that cannot stand beside the others has its marks there already.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        if other.rows.is_empty() || self == other {
            return self.clone();
        }
        other.rows.iter().fold(self.clone(), |all, row| {
            let rows = all.rows.iter().cloned().chain([row.clone()]).collect();
            Self::with(rows).unwrap_or(all)
        })
    }

    /// The rows the tenant adds.
    #[must_use]
    pub fn rows(&self) -> &[ExtraAgent] {
        &self.rows
    }

    /// The catalogue to judge with.
    #[must_use]
    pub fn get(&self) -> &Catalogue {
        self.whole.as_deref().unwrap_or_else(|| Catalogue::built_in())
    }
}

impl PartialEq for TenantCatalogue {
    fn eq(&self, other: &Self) -> bool {
        self.rows == other.rows
    }
}

impl Eq for TenantCatalogue {}

impl fmt::Debug for TenantCatalogue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TenantCatalogue").field(&self.rows).finish()
    }
}
