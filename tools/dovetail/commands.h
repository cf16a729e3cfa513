// The subcommands. Each adds itself to the command line and runs when it is chosen.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdio>
#include <string>
#include <utility>

namespace dovetail::tool {

void add_build(CLI::App& app);
void add_run(CLI::App& app);
void add_bench(CLI::App& app);
void add_profile(CLI::App& app);
void add_inspect(CLI::App& app);
void add_operators(CLI::App& app);

// Writes to stderr; where that fails there is nothing left to be done.
inline void say(const std::string& text) { std::fputs(text.c_str(), stderr); }

// "NAME=VALUE", split at the first '='. kValue names the option when there is none.
std::pair<std::string, std::string> split_assignment(const std::string& option,
                                                     const std::string& text);
// A whole number >= 0; kValue names the option and the text.
int64_t parse_extent(const std::string& option, const std::string& text);

}  // namespace dovetail::tool
