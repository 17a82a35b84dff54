# SPDX-License-Identifier: Apache-2.0
# Completion of skiff for bash: skiff itself knows the candidates.
_skiff()
{
	local line word last=${COMP_WORDS[COMP_CWORD]} directive=0
	local -a words
	words=("${COMP_WORDS[@]:1:COMP_CWORD}")
	COMPREPLY=()
	# readline splits at ":" and "=": glue "a" ":" "b" together again.
	if declare -F _get_comp_words_by_ref >/dev/null; then
		local cur prev cword
		_get_comp_words_by_ref -n "=:" cur prev words cword
		words=("${words[@]:1:cword}")
		last=$cur
	fi
	while IFS= read -r line; do
		case $line in
		:[0-9]*) directive=${line#:} ;;
		*) COMPREPLY+=("${line%%$'\t'*}") ;;
		esac
	done < <("${COMP_WORDS[0]}" __complete -- "${words[@]}" 2>/dev/null)
	if ((directive == 0)); then
		while IFS= read -r word; do
			COMPREPLY+=("$word")
		done < <(compgen -f -- "$last")
		compopt -o filenames 2>/dev/null
	fi
	if declare -F __ltrim_colon_completions >/dev/null; then
		__ltrim_colon_completions "$last"
	fi
}
complete -F _skiff skiff
