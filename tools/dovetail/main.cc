// The command line: results on stdout, messages on stderr; exit 0 done, 1 the user's error, 2 wrong
// usage, 70 our own bug.
#include <fmt/core.h>

#include <cerrno>
#include <cstdio>
#include <exception>
#include <iostream>
#include <new>
#include <string>
#include <system_error>

#include "base/error.h"
#include "commands.h"

namespace {

enum ExitCode { kDone = 0, kUserError = 1, kUsage = 2, kOurBug = 70 };

// Of what stands where a command should.
std::string unknown_command(const CLI::App& app) {
  std::string known;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    known += (known.empty() ? "" : ", ") + command->get_name();
  }
  return fmt::format("dovetail: there is no command '{}'; there are {}\n", app.remaining().front(),
                     known);
}

// An empty value, as of a shell's variable that is not set, is a mistake, not an option left out.
void refuse_empty_values(CLI::App& app) {
  const CLI::Validator filled(
      [](const std::string& value) {
        return std::string(value.empty() ? "the value is empty" : "");
      },
      "");
  for (CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    for (CLI::Option* option : command->get_options()) option->check(filled);
  }
}

int run(int argc, char** argv) {
  CLI::App app("Compiles ONNX models into one native library that stands alone.", "dovetail");
  app.set_version_flag("--version", "dovetail " DOVETAIL_VERSION);
  app.require_subcommand(1);
  dovetail::tool::add_build(app);
  dovetail::tool::add_run(app);
  dovetail::tool::add_bench(app);
  dovetail::tool::add_profile(app);
  dovetail::tool::add_inspect(app);
  dovetail::tool::add_operators(app);
  refuse_empty_values(app);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (app.get_subcommands().empty() && !app.remaining().empty()) {
      dovetail::tool::say(unknown_command(app));
      return kUsage;
    }
    return app.exit(error) == 0 ? kDone : kUsage;
  }
  return kDone;
}

int say_our_bug(const char* what) {
  dovetail::tool::say(fmt::format(
      "dovetail: internal error: {}\nThis is a bug in Dovetail; please report it with the model.\n",
      what));
  return kOurBug;
}

// Results that did not arrive are an error, as a full disk behind stdout.
void check_stdout() {
  errno = 0;
  const bool written = std::cout.flush() && std::fflush(stdout) == 0 && !std::ferror(stdout);
  if (written) return;
  dovetail::throw_error(dovetail::ErrorKind::kIo, "cannot write to standard output{}",
                        errno ? ": " + std::generic_category().message(errno) : "");
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const int code = run(argc, argv);
    check_stdout();
    return code;
  } catch (const std::system_error& error) {  // fmt::print
    dovetail::tool::say(
        fmt::format("dovetail: cannot write the results: {}\n", error.code().message()));
    return kUserError;
  } catch (const dovetail::Error& error) {
    if (error.kind() == dovetail::ErrorKind::kInternal) {
      return say_our_bug(error.what());
    }
    dovetail::tool::say(fmt::format("dovetail: {}\n", error.what()));
    return kUserError;
  } catch (const std::bad_alloc&) {
    dovetail::tool::say("dovetail: not enough memory\n");
    return kUserError;
  } catch (const std::exception& error) {
    return say_our_bug(error.what());
  }
}
