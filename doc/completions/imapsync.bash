# bash completion for imapsync
_imapsync() {
    local word=${COMP_WORDS[COMP_CWORD]} option=${COMP_WORDS[COMP_CWORD-1]}
    COMPREPLY=()
    # "=" is a word of its own.
    if [[ $word == = ]]; then
        word= option+==
    elif [[ $option == = ]]; then
        option=${COMP_WORDS[COMP_CWORD-2]}=
    fi
    case $option in
    --config|--config=)
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
        return;;
    --account|--account=)
        :
        return;;
    --verify=)
        COMPREPLY=($(compgen -W "header content" -- "$word"))
        return;;
    --authorize|--authorize=)
        COMPREPLY=($(compgen -W "local remote" -- "$word"))
        return;;
    --import-interimap|--import-interimap=)
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
        return;;
    --target|--target=)
        COMPREPLY=($(compgen -W "local remote database" -- "$word"))
        return;;
    --watch|--watch=)
        :
        return;;
    --patience|--patience=)
        :
        return;;
    --until|--until=)
        :
        return;;
    --progress|--progress=)
        COMPREPLY=($(compgen -W "auto bar log json none" -- "$word"))
        return;;
    esac
    if [[ $word == -* ]]; then
        COMPREPLY=($(compgen -W "--config= --account= -1 --oneshot --repair --verify --check --status --init --authorize= --import-interimap= --delete --rename --target= -n --dry-run --allow-mass-delete --allow-mass-removal --watch= --patience= --until= --json --progress= -q --quiet --debug -h --help --version" -- "$word"))
        [[ ${COMPREPLY[0]-} != *= ]] || compopt -o nospace
    fi
}
complete -F _imapsync imapsync
