# The guard's BPF programs, compiled by clang for the BPF machine and put into the room `guard` as bytes.

find_program(ASSAY_BPF_CLANG NAMES clang-19 clang REQUIRED)
set(guard_source ${PROJECT_SOURCE_DIR}/src/guard/bpf/guard.bpf.c)
set(guard_object ${PROJECT_BINARY_DIR}/guard.bpf.o)
# -g: the types that libbpf relocates by (CO-RE). The object is the same for every architecture that
# counts its bytes alike, but for how a hook's arguments are reached.
add_custom_command(OUTPUT ${guard_object}
  COMMAND ${ASSAY_BPF_CLANG} -target bpf -mcpu=v3 -O2 -g -Wall -Werror -ffile-prefix-map=${PROJECT_SOURCE_DIR}=.
          -D__TARGET_ARCH_x86 -c ${guard_source} -o ${guard_object}
  DEPENDS ${guard_source} ${PROJECT_SOURCE_DIR}/src/guard/bpf/guard_abi.h
  COMMENT "Compiling the guard's BPF programs" VERBATIM)
add_custom_target(guard_object DEPENDS ${guard_object})
add_dependencies(assay_guard guard_object)
set_source_files_properties(${PROJECT_SOURCE_DIR}/src/guard/guard_object.cc PROPERTIES
  OBJECT_DEPENDS ${guard_object} COMPILE_DEFINITIONS ASSAY_GUARD_OBJECT="${guard_object}")
