//! Operations that move elements or name axes, and compute nothing.

use super::align::spread;
use super::axes::{axis_word, distinct, fresh};
use super::{Axis, AxisRef, Result, Tensor, axes, axis, show, show_dim};
use crate::diagnostic::catalogue::{AxisMistake, NameMistake};
use crate::graph::build::Builder;
use crate::graph::{Check, Dim, Relation};

/// `rename(a, b)`.
pub fn rename(b: &Builder, x: &Tensor, from: &AxisRef, to: &str) -> Result<Tensor> {
    let position = axis(b, x, from)?;
    if x.names[position].as_deref() != Some(to) {
        fresh(b, x, to)?;
    }
    let mut names = x.names.clone();
    names[position] = Some(to.to_owned());
    Ok(Tensor::new(x.node, names))
}

/// `name(0, features)`: names the axis at a position.
pub fn name(b: &Builder, x: &Tensor, position: i64, to: &str) -> Result<Tensor> {
    rename(b, x, &AxisRef::Position(position), to)
}

/// `order(b, a)`: all axes in this order.
pub fn order(b: &mut Builder, x: &Tensor, refs: &[AxisRef]) -> Result<Tensor> {
    let permutation = if refs.is_empty() { Vec::new() } else { axes(b, x, refs)? };
    let missing: Vec<String> = (0..x.rank())
        .filter(|position| !permutation.contains(position))
        .map(|position| format!("`{}`", axis_word(x, position)))
        .collect();
    if !missing.is_empty() {
        let missing = missing.join(", ");
        return Err(AxisMistake::IncompleteOrder { missing, ty: show(b, x) }.into());
    }
    let names = permutation.iter().map(|position| x.names[*position].clone()).collect();
    let node = b.transpose(x.node, &permutation);
    Ok(Tensor::new(node, names))
}

/// The axis in front of the others, which keep their order.
pub fn front(b: &mut Builder, x: &Tensor, of: &AxisRef) -> Result<Tensor> {
    let along = axis(b, x, of)?;
    let mut permutation: Vec<usize> = (0..x.rank()).filter(|axis| *axis != along).collect();
    permutation.insert(0, along);
    let names = permutation.iter().map(|position| x.names[*position].clone()).collect();
    let node = b.transpose(x.node, &permutation);
    Ok(Tensor::new(node, names))
}

/// The same axes in the order of `names`; none if the names are not the same (R10). Unnamed axes keep their order.
pub fn reorder(b: &mut Builder, x: &Tensor, names: &[Option<String>]) -> Option<Tensor> {
    if x.names == names {
        return Some(x.clone());
    }
    if x.rank() != names.len() {
        return None;
    }
    let mut unnamed = (0..x.rank()).filter(|position| x.names[*position].is_none());
    let permutation: Option<Vec<usize>> = names
        .iter()
        .map(|name| match name {
            Some(name) => x.position(name),
            None => unnamed.next(),
        })
        .collect();
    let node = b.transpose(x.node, &permutation?);
    Some(Tensor::new(node, names.to_vec()))
}

/// One axis becomes several, in its place; the extent of one part may be left to be computed.
pub fn split(
    b: &mut Builder,
    x: &Tensor,
    of: &AxisRef,
    parts: &[(String, Option<Dim>)],
) -> Result<Tensor> {
    let position = axis(b, x, of)?;
    if parts.len() < 2 {
        return Err(AxisMistake::FewParts { operation: "split".to_owned() }.into());
    }
    for (index, (name, _)) in parts.iter().enumerate() {
        if x.names[position].as_deref() != Some(name) {
            fresh(b, x, name)?;
        }
        if parts[..index].iter().any(|(other, _)| other == name) {
            return Err(AxisMistake::RepeatedAxis { axis: name.clone() }.into());
        }
    }
    let word = axis_word(x, position);
    let extents = part_extents(b, &word, &x.shape(b)[position], parts)?;
    let mut shape = x.shape(b);
    shape.splice(position..=position, extents);
    let mut names = x.names.clone();
    names.splice(position..=position, parts.iter().map(|(name, _)| Some(name.clone())));
    let node = b.reshape(x.node, &shape);
    Ok(Tensor::new(node, names))
}

fn part_extents(
    b: &mut Builder,
    axis: &str,
    whole: &Dim,
    parts: &[(String, Option<Dim>)],
) -> Result<Vec<Dim>> {
    let known = parts.iter().filter_map(|(_, extent)| extent.clone());
    let known = known.fold(Dim::from(1), |product, extent| product * extent);
    let open: Vec<String> = parts
        .iter()
        .filter(|(_, extent)| extent.is_none())
        .map(|(name, _)| format!("`{name}`"))
        .collect();
    if open.len() > 1 {
        let parts = open.join(" and ");
        return Err(AxisMistake::SplitUnknown { axis: axis.to_owned(), parts }.into());
    }
    let rest = if open.is_empty() { Dim::from(1) } else { quotient(b, axis, whole, &known)? };
    if rest.clone() * known.clone() != *whole {
        return Err(AxisMistake::SplitExtents {
            axis: axis.to_owned(),
            extent: show_dim(b, whole),
            parts: show_dim(b, &known),
        }
        .into());
    }
    Ok(parts.iter().map(|(_, extent)| extent.clone().unwrap_or_else(|| rest.clone())).collect())
}

/// `whole / part`, with a check on entry that nothing remains if that is not known.
fn quotient(b: &mut Builder, axis: &str, whole: &Dim, part: &Dim) -> Result<Dim> {
    let quotient = whole.exact_div(part);
    let fills = match (whole.as_constant(), part.as_constant()) {
        (Some(whole), Some(part)) => part > 0 && whole % part == 0,
        (_, part) => part.is_none_or(|part| part > 0),
    };
    if !fills {
        let (extent, parts) = (show_dim(b, whole), show_dim(b, part));
        return Err(AxisMistake::SplitExtents { axis: axis.to_owned(), extent, parts }.into());
    }
    if whole.as_constant().is_none() && whole.floor_div(part) != quotient {
        let text = format!(
            "split of axis `{axis}`: `{}` must divide `{}`",
            show_dim(b, part),
            show_dim(b, whole)
        );
        let check =
            Check { relation: Relation::Divides, left: part.clone(), right: whole.clone(), text };
        b.check(check);
    }
    Ok(quotient)
}

/// Several axes become one, where the first of them stood; row-major in the order of `refs`.
pub fn merge(b: &mut Builder, x: &Tensor, refs: &[AxisRef], to: &str) -> Result<Tensor> {
    if refs.len() < 2 {
        return Err(AxisMistake::FewParts { operation: "merge".to_owned() }.into());
    }
    let merged = axes(b, x, refs)?;
    if !merged.iter().any(|position| x.names[*position].as_deref() == Some(to)) {
        fresh(b, x, to)?;
    }
    let first = merged.iter().copied().min().unwrap_or(0);
    let before: Vec<usize> = (0..first).collect();
    let after: Vec<usize> = (first..x.rank()).filter(|axis| !merged.contains(axis)).collect();
    let permutation: Vec<usize> = before.iter().chain(&merged).chain(&after).copied().collect();
    let node = b.transpose(x.node, &permutation);
    let shape = x.shape(b);
    let extent = merged.iter().fold(Dim::from(1), |size, axis| size * shape[*axis].clone());
    let pick = |axes: &[usize]| axes.iter().map(|axis| shape[*axis].clone()).collect::<Vec<_>>();
    let whole = [pick(&before), vec![extent], pick(&after)].concat();
    let named = |axes: &[usize]| axes.iter().map(|axis| x.names[*axis].clone()).collect::<Vec<_>>();
    let names = [named(&before), vec![Some(to.to_owned())], named(&after)].concat();
    let node = b.reshape(node, &whole);
    Ok(Tensor::new(node, names))
}

/// Repeats along new axes, which go last; an axis that is there already must have the extent.
pub fn broadcast(b: &mut Builder, x: &Tensor, new: &[Axis]) -> Result<Tensor> {
    let mut shape = x.shape(b);
    let mut names = x.names.clone();
    for axis in new {
        natural(b, &axis.extent)?;
        if let Some(name) = &axis.name
            && let Some(position) = x.position(name)
        {
            if shape[position] != axis.extent {
                let (axis, ty) = (name.clone(), show(b, x));
                return Err(AxisMistake::AxisExists { axis, ty }.into());
            }
            continue;
        }
        shape.push(axis.extent.clone());
        names.push(axis.name.clone());
    }
    let targets: Vec<usize> = (0..x.rank()).collect();
    let node = spread(b, x.node, &targets, &shape);
    let result = Tensor::new(node, names);
    distinct(b, &result)?;
    Ok(result)
}

/// A mistake if an extent is known to be negative.
pub(super) fn natural(b: &Builder, extent: &Dim) -> Result<()> {
    match extent.as_constant() {
        Some(value) if value < 0 => {
            Err(NameMistake::NegativeExtent { extent: show_dim(b, extent) }.into())
        }
        _ => Ok(()),
    }
}
