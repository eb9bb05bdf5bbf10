# shellcheck shell=bash disable=SC2034,SC2154
# SPDX-License-Identifier: BSD-2-Clause
# Completion of firn, firnfs, fsck.firn and mkfs.firn in bash: what each program's own --help says.

_firn() {
	local cur prev words cword split
	_init_completion -s || return
	if [[ $1 == *firn && $1 != *fs*.firn && $cword -eq 1 && $cur != -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$("$1" --help | sed -n 's/^  \([a-z][a-z]*\) .*/\1/p')" -- "$cur")
	elif [[ $cur == -* && $1 == *firn && $1 != *fs*.firn && $cword -gt 1 ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(_parse_help "$1" "${words[1]} --help")" -- "$cur")
	elif [[ $cur == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(_parse_help "$1")" -- "$cur")
	else
		_filedir -d
	fi
} && complete -F _firn firn firnfs fsck.firn mkfs.firn
