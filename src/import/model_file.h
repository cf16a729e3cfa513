// From bytes to a parsed ModelProto whose version and opsets are ones that we know.
#pragma once

#include <onnx/onnx-ml.pb.h>

#include <filesystem>
#include <map>
#include <memory>
#include <string>

namespace dovetail::import {

// Domain -> version; the default domain is "".
using Opsets = std::map<std::string, int>;

std::shared_ptr<const onnx::ModelProto> read_model(const std::filesystem::path& path);

// Of a model or a function; `where` goes before the message. Versions of the default domain that
// the operators do not know are kUnsupported.
Opsets opsets_of(const google::protobuf::RepeatedPtrField<onnx::OperatorSetIdProto>& imports,
                 const std::string& where);

// "ai.onnx" is another name of the default domain.
std::string domain_of(const std::string& domain);

}  // namespace dovetail::import
