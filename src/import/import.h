// ONNX bytes -> graph IR. The only folder that sees protobuf.
#pragma once

#include <dovetail/compiler.h>

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "ir/graph.h"

namespace dovetail::import {

struct Options {
  std::map<std::string, std::vector<Extent>> input_shapes;
  std::map<std::string, DimRange> dims;
  std::function<void(const std::string&)> on_warning;
};

// Reads the model and lowers every node to primitives. The graph's name is the ONNX graph's.
// Weights refer to the file's mapped bytes and are not copied where their form allows. Errors name
// the file, the node and the way out; operators that are not supported are listed all at once.
std::shared_ptr<ir::Graph> import_onnx(const std::filesystem::path& path, const Options& options);

// The names of what a caller may give for a model: its inputs, and its dimensions as the file names
// them; and the files beside it that hold its initializers. No node is looked at, and no body.
struct Interface {
  std::vector<std::string> inputs, dims;
  std::vector<std::filesystem::path> data_files;
};
Interface read_interface(const std::filesystem::path& path);

}  // namespace dovetail::import
