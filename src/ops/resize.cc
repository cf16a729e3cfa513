// Resize and, before it, Upsample: x (D...) -> y with the extents scaled.
#include <cmath>

#include "base/error.h"
#include "ops/lowering/resampled_extents.h"

namespace dovetail::ops {
namespace {

using ir::Dim;
using ir::DType;
using ir::Shape;

Filter filter_of(const LowerContext& c) {
  const std::string& mode = c.text("mode");
  if (mode == "nearest") return Filter::kNearest;
  if (mode == "linear" || (mode == "bilinear" && c.opset() < 9)) return Filter::kLinear;
  if (mode == "cubic" && c.opset() >= 11) return Filter::kCubic;
  throw_error(ErrorKind::kValue, "mode is '{}', expected {}", mode,
              c.opset() >= 11 ? "nearest, linear or cubic" : "nearest or linear");
}

std::vector<ResampledAxis> scaled_axes(LowerContext& c, const std::vector<int>& axes,
                                       const std::vector<Number>& scales) {
  if (scales.size() != axes.size()) {
    throw_error(ErrorKind::kValue, "{} scales are given for {} axes", scales.size(), axes.size());
  }
  std::vector<ResampledAxis> result;
  for (size_t k = 0; k < axes.size(); ++k) {
    const Dim& in = c.x(0)->shape()[axes[k]];
    ResampledAxis axis{.axis = axes[k], .in = in, .out = in, .scale = scales[k]};
    if (const auto scale = axis.known_scale()) {
      if (!(*scale > 0) || std::isinf(*scale)) {
        throw_error(ErrorKind::kValue, "scales holds {}, expected numbers above 0", *scale);
      }
      axis.out = scaled_extent(axis.in, *scale);
    }
    result.push_back(axis);
  }
  measure_extents(c, &result, Rounding::kDown, "scales must hold finite numbers above 0");
  return result;
}

std::vector<int> every_axis(const LowerContext& c) {
  std::vector<int> axes;
  for (int i = 0; i < c.x(0)->rank(); ++i) axes.push_back(i);
  return axes;
}

// An axis that stays as it is.
bool is_kept(const ResampledAxis& axis, const Resampling& how) {
  if (how.coordinates == "tf_crop_and_resize" || how.coordinates == "tf_half_pixel_for_nn")
    return false;
  return axis.in == axis.out && (!axis.scale || axis.known_scale() == 1);
}

Values finish(LowerContext& c, const Resampling& how, std::vector<ResampledAxis> axes) {
  std::erase_if(axes, [&](const ResampledAxis& axis) { return is_kept(axis, how); });
  return {resample(c, c.x(0), how, axes)};
}

// Versions without a choice of coordinates: asymmetric ones, rounded down (Resize: up when
// shrinking, as onnxruntime has it).
Resampling early_mode(const LowerContext& c, const char* nearest) {
  return {.filter = filter_of(c), .coordinates = "asymmetric", .nearest = nearest};
}

std::vector<Number> attribute_scales(const LowerContext& c) {
  std::vector<Number> scales;
  for (const double scale : c.reals("scales")) scales.push_back({scale});
  return scales;
}

Values lower_upsample_by_attribute(LowerContext& c) {
  return finish(c, early_mode(c, "floor"), scaled_axes(c, every_axis(c), attribute_scales(c)));
}

Values lower_upsample(LowerContext& c) {
  return finish(c, early_mode(c, "floor"), scaled_axes(c, every_axis(c), c.numbers(1)));
}

Values lower_resize_10(LowerContext& c) {
  return finish(c, early_mode(c, "ceil_down"), scaled_axes(c, every_axis(c), c.numbers(1)));
}

std::vector<int> resized_axes(LowerContext& c) {
  if (c.opset() < 18 || !c.has_attribute("axes")) return every_axis(c);
  std::vector<int> axes;
  const Ints& given = c.integers("axes");
  c.axes(given, c.x(0)->rank());  // each once
  for (const int64_t axis : given) axes.push_back(c.axis(axis, c.x(0)->rank()));
  return axes;
}

std::vector<ResampledAxis> sized_axes(LowerContext& c, const std::vector<int>& axes) {
  const std::vector<Dim> sizes = c.extents(3);
  if (sizes.size() != axes.size()) {
    throw_error(ErrorKind::kValue, "{} sizes are given for {} axes", sizes.size(), axes.size());
  }
  std::vector<ResampledAxis> result;
  for (size_t k = 0; k < axes.size(); ++k) {
    result.push_back({.axis = axes[k], .in = c.x(0)->shape()[axes[k]], .out = sizes[k]});
  }
  if (c.opset() < 18) return result;
  const std::string& policy = c.text("keep_aspect_ratio_policy");
  if (policy == "stretch") return result;
  if (policy != "not_larger" && policy != "not_smaller") {
    throw_error(ErrorKind::kValue,
                "keep_aspect_ratio_policy is '{}', expected stretch, not_larger or not_smaller",
                policy);
  }
  keep_aspect_ratio(c, &result, policy == "not_smaller");
  return result;
}

void read_crop(LowerContext& c, std::vector<ResampledAxis>* axes) {
  const std::vector<Number> roi = c.numbers(1);
  if (roi.size() != 2 * axes->size()) {
    throw_error(ErrorKind::kValue, "roi has {} values for {} axes, expected {}", roi.size(),
                axes->size(), 2 * axes->size());
  }
  for (size_t k = 0; k < axes->size(); ++k) {
    (*axes)[k].crop_start = roi[k];
    (*axes)[k].crop_end = roi[k + axes->size()];
  }
}

bool is_given(const LowerContext& c, size_t i) {
  return c.has(i) && ir::element_count(c.x(i)->shape()) != Dim(0);
}

Values lower_resize(LowerContext& c) {
  const bool scales = is_given(c, 2), sizes = is_given(c, 3);
  if (scales == sizes) {
    throw_error(ErrorKind::kValue, "{} of scales and sizes are given, expected one",
                scales ? "both" : "none");
  }
  Resampling how{.filter = filter_of(c),
                 .coordinates = c.text("coordinate_transformation_mode"),
                 .nearest = c.text("nearest_mode"),
                 .cubic_coefficient = c.real("cubic_coeff_a"),
                 .exclude_outside = c.flag("exclude_outside"),
                 .antialias = c.opset() >= 18 && c.flag("antialias"),
                 .extrapolation = c.real("extrapolation_value")};
  if (how.filter == Filter::kNearest) how.antialias = false;
  const std::vector<int> positions = resized_axes(c);
  std::vector<ResampledAxis> axes =
      scales ? scaled_axes(c, positions, c.numbers(2)) : sized_axes(c, positions);
  if (how.coordinates == "tf_crop_and_resize") read_crop(c, &axes);
  return finish(c, how, std::move(axes));
}

OpDef resize_def(int since, int until) {
  OpDef def{.name = "Resize",
            .since = since,
            .until = until,
            .inputs = {1, 4},
            .attributes = {{"mode", AttributeType::kText, "nearest"},
                           {"coordinate_transformation_mode", AttributeType::kText, "half_pixel"},
                           {"nearest_mode", AttributeType::kText, "round_prefer_floor"},
                           {"cubic_coeff_a", AttributeType::kReal, -0.75},
                           {"exclude_outside", AttributeType::kInt, int64_t{0}},
                           {"extrapolation_value", AttributeType::kReal, 0.0}},
            .lower = lower_resize};
  if (since >= 18) {
    def.attributes.push_back({"antialias", AttributeType::kInt, int64_t{0}});
    def.attributes.push_back({"axes", AttributeType::kInts});
    def.attributes.push_back({"keep_aspect_ratio_policy", AttributeType::kText, "stretch"});
  }
  return def;
}

}  // namespace

std::span<const OpDef> resize_ops() {
  const AttributeDef mode{"mode", AttributeType::kText, "nearest"};
  static const std::vector<OpDef> ops = {
      {.name = "Upsample",
       .until = 8,
       .attributes = {mode, {"scales", AttributeType::kReals, {}, true}},
       .lower = lower_upsample_by_attribute},
      {.name = "Upsample",
       .since = 9,
       .until = 9,
       .inputs = {2, 2},
       .attributes = {mode},
       .lower = lower_upsample},
      {.name = "Resize",
       .since = 10,
       .until = 10,
       .inputs = {2, 2},
       .attributes = {mode},
       .lower = lower_resize_10},
      resize_def(11, 17),
      resize_def(18, kMaxOpset)};
  return ops;
}

}  // namespace dovetail::ops
