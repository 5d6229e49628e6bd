#include "cli/command.h"

int main(int argc, char** argv) { return assay::run_command_line(argc, argv); }
