#include "import/model_file.h"

#include <google/protobuf/io/coded_stream.h>

#include <climits>

#include "base/error.h"
#include "import/file_bytes.h"
#include "import/names.h"
#include "ops/op.h"

namespace dovetail::import {
namespace {

// Subgraphs within subgraphs; deeper ones are refused by the parser instead of filling the stack.
constexpr int kMaxNesting = 100;

void check_ir_version(const onnx::ModelProto& model, const std::string& file) {
  const int64_t version = model.ir_version();
  if (version >= 3 && version <= onnx::Version_MAX) return;
  throw_error(ErrorKind::kUnsupported,
              "{}: the model has IR version {}; this compiler reads 3 to {}: export it anew with "
              "another version of onnx",
              file, version, static_cast<int>(onnx::Version_MAX));
}

}  // namespace

std::string domain_of(const std::string& domain) { return domain == "ai.onnx" ? "" : domain; }

Opsets opsets_of(const google::protobuf::RepeatedPtrField<onnx::OperatorSetIdProto>& imports,
                 const std::string& where) {
  Opsets result;
  for (const onnx::OperatorSetIdProto& import : imports) {
    const std::string domain = domain_of(import.domain());
    const int64_t version = import.version();
    if (version < 0 || version > INT_MAX) {
      throw_error(ErrorKind::kValue, "{}: domain '{}' has opset version {}", where, domain,
                  version);
    }
    const auto [at, added] = result.emplace(domain, static_cast<int>(version));
    if (!added && at->second != version) {
      throw_error(ErrorKind::kValue, "{}: domain '{}' is imported with opsets {} and {}", where,
                  domain, at->second, version);
    }
  }
  const auto standard = result.find("");
  if (standard == result.end()) return result;
  if (standard->second > ops::kMaxOpset) {
    throw_error(ErrorKind::kUnsupported,
                "{}: the model asks for opset {}; this compiler knows {} to {}: export it with an "
                "older opset",
                where, standard->second, ops::kMinOpset, ops::kMaxOpset);
  }
  return result;
}

std::shared_ptr<const onnx::ModelProto> read_model(const std::filesystem::path& path) {
  const std::string file = path.string();
  const FileBytes bytes = read_file(path);
  if (bytes.span.size() > INT_MAX) {
    throw_error(ErrorKind::kValue,
                "{}: {} bytes are more than the 2 GB that an ONNX file can hold: save the model "
                "with external data",
                file, bytes.span.size());
  }
  auto model = std::make_shared<onnx::ModelProto>();
  google::protobuf::io::CodedInputStream stream(reinterpret_cast<const uint8_t*>(bytes.span.data()),
                                                static_cast<int>(bytes.span.size()));
  stream.SetRecursionLimit(kMaxNesting);
  if (!model->ParseFromCodedStream(&stream) || !stream.ConsumedEntireMessage()) {
    throw_error(ErrorKind::kValue,
                "{}: not an ONNX model, or one that was cut off: its {} bytes cannot be parsed",
                file, bytes.span.size());
  }
  if (!model->has_graph() || !model->has_ir_version()) {
    throw_error(ErrorKind::kValue, "{}: not an ONNX model, or one that was cut off: it has no {}",
                file, model->has_graph() ? "IR version" : "graph");
  }
  check_ir_version(*model, file);
  require_text_names(*model, file);
  return model;
}

}  // namespace dovetail::import
