// The build of several models into one library.
#pragma once

#include <dovetail/compiler.h>

#include <string>
#include <vector>

namespace dovetail::tool {

// One for each model: `shared` without the shapes and dims that it has no input or dimension for.
// kKey: one that no model has. A lone model gets all of them; build() knows what it has.
std::vector<BuildOptions> options_of_each(const std::vector<std::string>& models,
                                          const BuildOptions& shared);

}  // namespace dovetail::tool
