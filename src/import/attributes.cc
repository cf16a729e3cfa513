#include "import/attributes.h"

#include "base/error.h"
#include "import/sparse_tensors.h"

namespace dovetail::import {

using onnx::AttributeProto;

ops::Attribute attribute_of(const AttributeProto& a, Tensors& tensors) {
  switch (a.type()) {
    case AttributeProto::INT:
      return int64_t{a.i()};
    case AttributeProto::FLOAT:
      return static_cast<double>(a.f());
    case AttributeProto::STRING:
      return a.s();
    case AttributeProto::INTS:
      return ops::Ints(a.ints().begin(), a.ints().end());
    case AttributeProto::FLOATS:
      return ops::Reals(a.floats().begin(), a.floats().end());
    case AttributeProto::STRINGS:
      return ops::Texts(a.strings().begin(), a.strings().end());
    case AttributeProto::TENSOR:
      try {
        return tensors.read(a.t());
      } catch (const Error& error) {
        throw_error(error.kind(), "attribute '{}': {}", a.name(), error.what());
      }
    case AttributeProto::SPARSE_TENSOR:
      try {
        return read_sparse(a.sparse_tensor(), tensors);
      } catch (const Error& error) {
        throw_error(error.kind(), "attribute '{}': {}", a.name(), error.what());
      }
    case AttributeProto::UNDEFINED:
      throw_error(ErrorKind::kValue, "attribute '{}' has no type", a.name());
    default:
      break;
  }
  throw_error(ErrorKind::kUnsupported, "attribute '{}' is a {}, which is not supported", a.name(),
              a.type() == AttributeProto::GRAPH ? "graph" : "list or type");
}

}  // namespace dovetail::import
